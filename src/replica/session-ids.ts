/**
 * Session ids as ZooKeeper makes them: the server's id in the top byte, forty bits of a clock, and
 * sixteen bits of room, then counting by one. The wall clock keeps ids apart across reboots.
 */
export class SessionIds {
  high: number;
  low: number;

  constructor(serverId: number, wallMs: number) {
    const clock = wallMs % 2 ** 40;
    this.high = ((serverId & 0xff) << 24) | Math.floor(clock / 65_536) | 0;
    this.low = ((clock % 65_536) << 16) | 0;
    // 0x8000000000000000 marks container nodes and may not be a session.
    if (this.high === -2_147_483_648 && this.low === 0) this.low = 1;
  }

  /** Moves on to the next id. */
  advance(): void {
    this.low = (this.low + 1) | 0;
    if (this.low === 0) this.high = (this.high + 1) | 0;
  }
}
