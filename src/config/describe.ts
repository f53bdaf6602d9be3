import type { ConfigKey } from './key.ts';
import { isFamily, KEY_SECTIONS } from './keys.ts';
import type { LoadedConfig } from './load.ts';
import { formatSource } from './problem.ts';

/** One line of the effective configuration. */
export interface EffectiveSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** Where the value comes from, as text; `default` when nobody set it. */
  readonly source: string;
}

/** Every honoured key with the value that holds. Secrets show only that they are there. */
export function effectiveSettings(loaded: LoadedConfig): EffectiveSetting[] {
  const result: EffectiveSetting[] = [];
  for (const section of KEY_SECTIONS) {
    for (const key of section.keys) {
      if (key.status !== 'honoured') continue;
      for (const name of namesOf(key, loaded)) {
        const source = formatSource(
          loaded.derived.get(name)?.source ?? loaded.settings.sourceOf(name),
        );
        result.push({ section: section.title, key: name, value: shown(key, name, loaded), source });
      }
    }
  }
  return result;
}

/** A family has as many lines as somebody wrote. */
function namesOf(key: ConfigKey, loaded: LoadedConfig): string[] {
  if (!isFamily(key)) return [key.name];
  return [...loaded.settings.all()]
    .filter((setting) => setting.key === key)
    .map((setting) => setting.name);
}

function shown(key: ConfigKey, name: string, loaded: LoadedConfig): string {
  const setting = loaded.settings.get(name);
  if (key.type.kind === 'secret') return setting === undefined ? '' : '(set, not shown)';
  return loaded.derived.get(name)?.text ?? setting?.text ?? key.default ?? '';
}
