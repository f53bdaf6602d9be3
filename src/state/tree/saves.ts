import { ROW_WORDS, SIDE_WORDS } from './layout.ts';

/** row, link, the row's words, its side words. */
export const SAVE_WORDS: number = 2 + ROW_WORDS + SIDE_WORDS;
const SAVES_PER_PAGE_LOG2 = 9;
const PAGE_MASK = (1 << SAVES_PER_PAGE_LOG2) - 1;

/**
 * Old images of rows, numbered from 1. The undo journal reads them as a list, an image in progress
 * as one chain per row chunk; both need no more than "a row's words as they were".
 */
export class RowSaves {
  private readonly pages: Int32Array[] = [];
  /** Numbers handed out since the last `clear`, released ones included. */
  count = 0;
  private released = 0;

  get bytesUsed(): number {
    return this.pages.length * ((PAGE_MASK + 1) * SAVE_WORDS * 4);
  }

  page(save: number): Int32Array {
    return this.pages[save >>> SAVES_PER_PAGE_LOG2] as Int32Array;
  }

  /** Where the save's words begin in its page. */
  at(save: number): number {
    return (save & PAGE_MASK) * SAVE_WORDS;
  }

  row(save: number): number {
    return this.page(save)[this.at(save)] as number;
  }

  link(save: number): number {
    return this.page(save)[this.at(save) + 1] as number;
  }

  /** Copies a row and its side words in, and returns the save's number. */
  add(
    row: number,
    link: number,
    ints: Int32Array,
    at: number,
    side: Int32Array,
    sideAt: number,
  ): number {
    const save = this.take();
    const page = this.page(save);
    let to = this.at(save);
    page[to++] = row;
    page[to++] = link;
    for (let i = 0; i < ROW_WORDS; i++) page[to++] = ints[at + i] as number;
    if (side.length === 0) page.fill(0, to, to + SIDE_WORDS);
    else for (let i = 0; i < SIDE_WORDS; i++) page[to++] = side[sideAt + i] as number;
    return save;
  }

  setLink(save: number, link: number): void {
    this.page(save)[this.at(save) + 1] = link;
  }

  private take(): number {
    const save = this.released;
    if (save !== 0) {
      this.released = this.link(save);
      return save;
    }
    const fresh = ++this.count;
    if (fresh >>> SAVES_PER_PAGE_LOG2 >= this.pages.length) {
      this.pages.push(new Int32Array((PAGE_MASK + 1) * SAVE_WORDS));
    }
    return fresh;
  }

  release(save: number): void {
    this.setLink(save, this.released);
    this.released = save;
  }

  /** Forgets everything; one page stays, for the next small transaction. */
  clear(): void {
    this.count = 0;
    this.released = 0;
    if (this.pages.length > 1) this.pages.length = 1;
  }
}
