import { FOUR_LETTER_ANSWER_CHARS_MAX } from '../../base/limits.ts';

/**
 * Lines of an answer that may have millions of them. From the limit on they are left out, and the
 * end says so.
 */
export class Lines {
  private text = '';
  private readonly charsMax: number;
  private left = 0;

  constructor(charsMax: number = FOUR_LETTER_ANSWER_CHARS_MAX) {
    this.charsMax = charsMax;
  }

  add(line: string): void {
    const isFull = this.left > 0 || this.text.length + line.length >= this.charsMax;
    if (isFull) this.left++;
    else this.text += `${line}\n`;
  }

  toString(): string {
    return this.left === 0 ? this.text : `${this.text}... and ${this.left} more lines\n`;
  }
}
