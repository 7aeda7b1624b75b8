/** What has something in common, by what that is; in the order in which it came. */
export class Groups<Member> {
  readonly #members = new Map<string, Set<Member>>()

  get(key: string): ReadonlySet<Member> {
    return this.#members.get(key) ?? new Set()
  }

  add(key: string, member: Member): void {
    const group = this.#members.get(key)
    if (group === undefined) this.#members.set(key, new Set([member]))
    else group.add(member)
  }

  remove(key: string, member: Member): void {
    const group = this.#members.get(key)
    group?.delete(member)
    if (group?.size === 0) this.#members.delete(key)
  }
}
