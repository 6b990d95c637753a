import type { JsonSchema } from './from-valibot.js';

/** A check in a valibot pipe: what kind it is and what it asks for. */
interface Action {
  readonly type: string;
  readonly requirement?: unknown;
}

/** What a check adds to the JSON Schema of the value it checks; nothing where JSON Schema has no word for it. */
export function applyAction({ type, requirement }: Action, { type: of }: JsonSchema): JsonSchema {
  const isList = of === 'array';
  switch (type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return typeof requirement === 'number' && isNumber(of) ? { minimum: requirement } : {};
    case 'max_value':
      return typeof requirement === 'number' && isNumber(of) ? { maximum: requirement } : {};
    case 'min_length':
      return { [isList ? 'minItems' : 'minLength']: requirement };
    case 'max_length':
      return { [isList ? 'maxItems' : 'maxLength']: requirement };
    case 'non_empty':
      return { [isList ? 'minItems' : 'minLength']: 1 };
    case 'regex':
      return patternOf(requirement as RegExp);
    default:
      return {};
  }
}

/** A duration is checked in milliseconds and written otherwise. */
function isNumber(type: unknown): boolean {
  return type === 'number' || type === 'integer';
}

/** JSON Schema's patterns have no flags. */
function patternOf({ source, flags }: RegExp): JsonSchema {
  return flags.replace(/[gyd]/g, '') === '' ? { pattern: source } : {};
}
