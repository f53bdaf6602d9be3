import { build } from 'rolldown';
await build({ input: process.argv[2], platform: 'node', external: [/^node:/], logLevel: 'warn', output: { file: process.argv[3], format: 'esm', sourcemap: true } });
