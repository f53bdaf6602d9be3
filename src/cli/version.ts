export { VERSION } from '../entry/build.ts';
