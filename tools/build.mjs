// Bundles each entry point into one file under dist/. What clients do not need at start (HTTP,
// pretty logs) stays a dynamic import, so that it loads after the port is open.
import { chmodSync } from 'node:fs';
import { build } from 'rolldown';

const entries = {
  quoll: 'src/cli/main.ts',
  server: 'src/entry/server.ts',
  protocol: 'src/entry/protocol.ts',
  client: 'src/entry/client.ts',
  'client-browser': 'src/entry/client-browser.ts',
};

for (const [name, input] of Object.entries(entries)) {
  await build({
    input,
    platform: 'node',
    transform: { define: { QUOLL_BUILT_AT: JSON.stringify(new Date().toISOString()) } },
    external: [/^node:/, 'pino', 'pino-pretty'],
    logLevel: 'warn',
    output: {
      file: `dist/${name}.js`,
      format: 'esm',
      sourcemap: true,
      codeSplitting: false,
    },
  });
}
chmodSync('dist/quoll.js', 0o755);
