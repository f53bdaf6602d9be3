// The network between the servers: each way from one to another leads through a proxy here, and
// what one sends to another can be held back in one direction alone.
//   hold   no byte passes and no ending is told, as when the packets are lost; what was on its way
//          comes through if the connection is still there when the way is free again
//   cut    connections are reset, and new ones too
import { connect, createServer } from 'node:net';

/** One TCP connection of two halves. `from` has dialled. */
class Passage {
  #links;
  #near;
  #far = null;

  constructor(links, from, to, near, target) {
    this.#links = links;
    this.from = from;
    this.to = to;
    this.target = target;
    this.#near = near;
    this.#prepare(near, from, to);
    this.look();
  }

  /** The ways may have changed. */
  look() {
    const { from, to } = this;
    if (this.#links.isCut(from, to) || this.#links.isCut(to, from)) {
      this.end();
      return;
    }
    if (this.#far === null) {
      // Both ways are needed before a connection is established.
      if (this.#links.isOpen(from, to) && this.#links.isOpen(to, from)) this.#dial();
      return;
    }
    this.#flow(this.#near, from, to);
    this.#flow(this.#far, to, from);
  }

  end() {
    this.#links.passages.delete(this);
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  #dial() {
    this.#far = connect(this.target);
    this.#prepare(this.#far, this.to, this.from);
    this.#near.on('data', (chunk) => this.#far.write(chunk));
    this.#far.on('data', (chunk) => this.#near.write(chunk));
    this.#flow(this.#near, this.from, this.to);
    this.#flow(this.#far, this.to, this.from);
  }

  #flow(socket, sender, receiver) {
    if (socket.destroyed) this.#ended(sender, receiver);
    else if (this.#links.isOpen(sender, receiver)) socket.resume();
    else socket.pause();
  }

  #prepare(socket, sender, receiver) {
    socket.setNoDelay(true);
    socket.pause();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#ended(sender, receiver));
  }

  /** The other side hears of the end only if the way to it is open. */
  #ended(sender, receiver) {
    if (this.#links.hidesEndings && this.#far !== null) return;
    if (this.#far === null || this.#links.isOpen(sender, receiver)) this.end();
  }
}

export class Links {
  passages = new Set();
  /** True: a connection that one side has closed stays open at the other, until `heal`. */
  hidesEndings = false;
  #held = new Set();
  #cut = new Set();
  #listeners = [];

  /** Opens the way `from` → `to`: what dials `front` reaches `target`. */
  async open(from, to, front, target) {
    const server = createServer((near) => {
      this.passages.add(new Passage(this, from, to, near, target));
    });
    await new Promise((done, failed) => {
      server.on('error', failed);
      server.listen(front, done);
    });
    this.#listeners.push(server);
  }

  isOpen(from, to) {
    return !this.#held.has(`${from}>${to}`) && !this.#cut.has(`${from}>${to}`);
  }

  isCut(from, to) {
    return this.#cut.has(`${from}>${to}`);
  }

  hold(from, to) {
    this.#held.add(`${from}>${to}`);
    this.#look();
  }

  cut(from, to) {
    this.#cut.add(`${from}>${to}`);
    this.#look();
  }

  holdBoth(a, b) {
    this.hold(a, b);
    this.hold(b, a);
  }

  cutBoth(a, b) {
    this.cut(a, b);
    this.cut(b, a);
  }

  heal() {
    this.hidesEndings = false;
    this.#held.clear();
    this.#cut.clear();
    this.#look();
  }

  close() {
    for (const listener of this.#listeners) listener.close();
    for (const passage of [...this.passages]) passage.end();
  }

  #look() {
    for (const passage of [...this.passages]) passage.look();
  }
}
