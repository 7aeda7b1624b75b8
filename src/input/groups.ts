/**
 * Groups of members under a key, each in the order in which its members were added. Most groups have one member, which is
 * kept without a set: a set for each group would cost 3 MB for 10,000 files.
 */
export class Groups<Member extends object | string> {
  readonly #members = new Map<string, Member | Set<Member>>()

  get(key: string): readonly Member[] {
    const group = this.#members.get(key)
    if (group === undefined) return []
    return group instanceof Set ? [...group] : [group]
  }

  count(key: string): number {
    const group = this.#members.get(key)
    return group instanceof Set ? group.size : group === undefined ? 0 : 1
  }

  add(key: string, member: Member): void {
    const group = this.#members.get(key)
    if (group === undefined) this.#members.set(key, member)
    else if (group instanceof Set) group.add(member)
    else if (group !== member) this.#members.set(key, new Set([group, member]))
  }

  remove(key: string, member: Member): void {
    const group = this.#members.get(key)
    if (group instanceof Set) group.delete(member)
    if (group === member || (group instanceof Set && group.size === 0)) this.#members.delete(key)
  }
}
