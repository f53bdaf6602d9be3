#!/usr/bin/env node
import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

/** How long what is left open, such as a socket that does not close, may keep the process. */
const LINGER_MS = 1000;

process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
// It fires only if something else keeps the loop alive.
setTimeout(() => process.exit(), LINGER_MS).unref();
