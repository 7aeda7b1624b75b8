/** What tests let files wait for, where nothing but the waiting matters. */
import type { Obstacle } from '../../src/flow.ts'
import type { Input } from '../../src/input/input.ts'

export const ROOM: Obstacle = { kind: 'room', topic: 'logs' }
export const TOPIC: Obstacle = { kind: 'topic', topic: 'logs' }

/** There is room, for whatever it is that files wait for it. */
export function giveRoom(input: Pick<Input, 'obstacles' | 'unblock'>): void {
  for (const obstacle of input.obstacles()) if (obstacle.kind === 'room') input.unblock(obstacle)
}
