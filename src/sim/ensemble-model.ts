import { Err, Perm } from '../protocol/constants.ts';
import { CommandFlag } from '../state/command.ts';
import { type Membership, membershipText } from '../state/membership.ts';
import { evaluateReconfig, membershipOf } from '../state/reconfig.ts';
import { Model } from '../state/testing/model.ts';
import { ensure } from '../state/testing/model-parts.ts';
import type { LoggedCommand } from './commands.ts';

/**
 * The naive model of an ensemble whose members come and go. What a reconfig asks for is judged by
 * the rules under test, which `state/reconfig.test.ts` compares with ZooKeeper's; when it is judged,
 * by which flags and in which state, is the log's affair, and that is checked here.
 */
export class EnsembleModel extends Model {
  private membership: Membership | null = null;

  /** Who belongs to the ensemble; null before it is founded, and for a lone server. */
  get members(): Membership | null {
    return this.membership;
  }

  protected override found(): void {
    this.membership = (this.command as LoggedCommand).membership ?? null;
    super.found();
  }

  protected override membershipText(version: number): string {
    if (this.membership === null) return super.membershipText(version);
    this.membership = { ...this.membership, version };
    return membershipText(this.membership);
  }

  protected override reconfigure(): void {
    const { reconfig, flags } = this.command as LoggedCommand;
    ensure(reconfig !== undefined, Err.marshallingError);
    const present = this.membership;
    const plan = evaluateReconfig(present, reconfig.request, flags);
    ensure(typeof plan !== 'number', typeof plan === 'number' ? plan : Err.ok);
    ensure(present !== null, Err.unimplemented);
    if (plan.isReplacement) ensure(this.mayReplace(), Err.noAuth);
    else this.require(this.node('/zookeeper/config'), Perm.write);
    const next = membershipOf(plan, present, reconfig.identities, this.zxid);
    ensure(next !== null, Err.newConfigNoQuorum);
    this.membership = next;
  }

  private mayReplace(): boolean {
    if (this.flag(CommandFlag.skipACL)) return true;
    return this.command.identities.some(({ scheme }) => scheme === 'super' || scheme === 'local');
  }
}
