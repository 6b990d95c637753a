/*
 * Decimal digits, without a regular expression: a start would have to compile it, which takes longer than its other checks.
 */

/** The character code of `0`. */
export const DIGIT_0 = 0x30;

/** Whether a character code is that of a decimal digit. */
export function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_0 + 9;
}

/** Whether a text has decimal digits in it and nothing else. */
export function isDigits(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (!isDigit(text.charCodeAt(index))) return false;
  return text !== '';
}
