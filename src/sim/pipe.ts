import type { Link } from './links.ts';
import type { Endpoint } from './tcp.ts';

/** What the kernel of the sender takes before `write` says no. */
const SEND_BUFFER_BYTES = 65_536;
const RETRY_US = 200_000;
/**
 * What was sent into a cut is sent again this long after it at most. With the minutes of a real
 * kernel, its patience would be what is measured where progress is asked for: seed 1002195 of
 * commit 7eac9a3, where the end of a dead process's connection came after 3 s.
 */
const RETRY_US_MAX = 1_000_000;
/**
 * How long bytes are on a narrow link at most. When they arrive is settled when they leave: without
 * a limit 5 kB that left at 1 byte/ms would be on their way 5 s after the link is wide again, and
 * who waits for them with them (seed 1002487 of commit c1b5b37).
 */
const WIRE_US_MAX = 1_000_000;

type Content = Uint8Array | 'end';

/**
 * One direction of a connection: bytes arrive whole, once and in order, or the connection breaks.
 * So what TCP does about loss shows as delay; and when nothing gets through for too long, the
 * sender's side breaks while the other may never hear of it.
 */
export class Pipe {
  private readonly sender: Endpoint;
  private readonly receiver: Endpoint;
  /** The way there, and the way that acknowledgements take back. */
  private readonly link: Link;
  private readonly linkBack: Link;
  reverse!: Pipe;
  /** What was refused by `write`: still the writer's buffers, which it must not touch. */
  private held: Uint8Array[] = [];
  /** Taken and not acknowledged. */
  private unacknowledgedBytes = 0;
  private readonly unsent: Content[] = [];
  private stalledSinceUs = -1;
  private retryUs = RETRY_US;
  private lastArrivalUs = 0;
  private isEnding = false;

  constructor(sender: Endpoint, receiver: Endpoint) {
    this.sender = sender;
    this.receiver = receiver;
    const { links } = sender.host.network;
    this.link = links.of(sender.host.name, receiver.host.name);
    this.linkBack = links.of(receiver.host.name, sender.host.name);
  }

  write(bytes: Uint8Array): boolean {
    if (this.isEnding || bytes.length === 0) return true;
    if (this.held.length === 0 && this.unacknowledgedBytes < SEND_BUFFER_BYTES) {
      this.take(bytes);
      return true;
    }
    this.held.push(bytes);
    return false;
  }

  /** An end behind everything that was written. */
  end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    if (this.held.length === 0) this.send('end');
  }

  /** An end behind what the kernel has; what it has not taken is lost. */
  endNow(): void {
    this.held.length = 0;
    this.end();
  }

  /** Tells the other side at once that the connection is over; if that is lost, it is lost. */
  sendReset(): void {
    if (this.link.isCut) return;
    const { world } = this.sender.host.network;
    world.schedule(this.link.latencyUs, () => this.receiver.reset());
  }

  /** The receiver has read so many bytes. */
  acknowledge(bytes: number): void {
    const { isCut, latencyUs } = this.linkBack;
    if (isCut) {
      this.stall(() => this.acknowledge(bytes));
      return;
    }
    // Nobody waits for it: one event less for nearly every message.
    if (this.held.length === 0) this.acknowledged(bytes);
    else this.sender.host.network.world.schedule(latencyUs, () => this.acknowledged(bytes));
  }

  private acknowledged(bytes: number): void {
    this.progress();
    this.unacknowledgedBytes -= bytes;
    if (this.held.length > 0 && this.unacknowledgedBytes <= SEND_BUFFER_BYTES / 2) this.unhold();
  }

  private unhold(): void {
    for (const bytes of this.held.splice(0)) this.take(bytes);
    if (this.isEnding) this.send('end');
    this.sender.drained();
  }

  private take(bytes: Uint8Array): void {
    this.unacknowledgedBytes += bytes.length;
    const { prng, fragmentation } = this.sender.host.network;
    const splits = bytes.length > 1 && prng.chance(fragmentation);
    const length = splits ? prng.between(1, bytes.length - 1) : bytes.length;
    // `write` lends the bytes for the call.
    this.send(bytes.slice(0, length));
    if (splits) this.send(bytes.slice(length));
  }

  private send(content: Content): void {
    const { link } = this;
    const { world, prng } = this.sender.host.network;
    const lostUs = prng.chance(link.loss) ? RETRY_US : 0;
    const wireUs = Math.min((content.length * 1_000) / link.bytesPerMs, WIRE_US_MAX);
    const travelUs = link.latencyUs + prng.exponential(link.jitterUs) + wireUs + lostUs;
    this.lastArrivalUs = Math.max(this.lastArrivalUs + 1, Math.ceil(world.nowUs + travelUs));
    world.schedule(this.lastArrivalUs - world.nowUs, () => this.arrive(content));
  }

  private arrive(content: Content): void {
    // What comes behind lost bytes waits for them to be sent again.
    if (this.unsent.push(content) === 1) this.pass();
  }

  private pass(): void {
    // A kernel that is gone sends nothing again; one that let go of its end still does.
    if (!this.sender.host.isUp) return;
    if (!this.receiver.host.isUp || this.link.isCut) {
      this.stall(() => this.pass());
      return;
    }
    this.progress();
    while (this.unsent.length > 0) {
      const content = this.unsent.shift() as Content;
      if (!this.receiver.isClosed) this.receiver.arrived(content);
      else if (content !== 'end') this.reverse.sendReset();
    }
  }

  private progress(): void {
    this.stalledSinceUs = -1;
    this.retryUs = RETRY_US;
  }

  /** Tries again later, twice as late each time, until the sender's kernel gives up. */
  private stall(again: () => void): void {
    const { world, giveUpUs } = this.sender.host.network;
    if (this.stalledSinceUs < 0) this.stalledSinceUs = world.nowUs;
    if (world.nowUs - this.stalledSinceUs >= giveUpUs) {
      this.unsent.length = 0;
      this.sender.reset();
      return;
    }
    world.schedule(this.retryUs, again);
    this.retryUs = Math.min(this.retryUs * 2, RETRY_US_MAX);
  }
}
