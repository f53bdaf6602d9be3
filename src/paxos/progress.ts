/** How far one peer has followed the leader, under the leader's ballot. */
export class Progress {
  readonly id: number;
  /** Its log is, or soon will be, the leader's: entries are sent behind `next` without waiting. */
  isSynced = false;
  /** Durable there up to here. */
  match = 0;
  /** The slot that is sent next. */
  next = 0;
  /** What it was last told to be decided. */
  toldDecided = 0;
  /** The latest heartbeat that it answered. */
  heardProbe = 0;
  /** The latest heartbeat when its log was last sent whole: older answers say nothing of it. */
  syncedAtProbe = 0;
  /** What had been sent before heartbeat `checkedProbe`; 0 once its answer was judged. */
  sentAtCheck = 0;
  checkedProbe = 0;
  silentTicks = 0;
  /** It lost entries that it may have accepted under the leader's own ballot. */
  isDamaged = false;

  constructor(id: number) {
    this.id = id;
  }
}
