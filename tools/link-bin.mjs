// Leaves `npx quoll` ready in a checkout: npx takes what is in node_modules/.bin without asking
// anybody. On Windows it finds the package by its manifest, which takes a moment longer.
import { existsSync, rmSync, symlinkSync } from 'node:fs';

if (process.platform !== 'win32' && existsSync('node_modules/.bin')) {
  rmSync('node_modules/.bin/quoll', { force: true });
  symlinkSync('../../dist/quoll.js', 'node_modules/.bin/quoll');
}
