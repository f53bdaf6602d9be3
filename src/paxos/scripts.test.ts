import { testScripts } from '../base/testing/script-files.test-helper.ts';
import { runScript } from './testing/script.ts';

testScripts(new URL('./testdata/', import.meta.url), runScript);
