/** Obstacles that files wait for, in tests in which only the waiting matters. */
import type { Obstacle } from '../../src/flow.ts'
import type { Input } from '../../src/input/input.ts'

export const ROOM: Obstacle = { kind: 'room', topic: 'logs' }
export const TOPIC: Obstacle = { kind: 'topic', topic: 'logs' }

/** Gives room to all files that wait for it. */
export function giveRoom(input: Pick<Input, 'obstacles' | 'unblock'>): void {
  for (const obstacle of input.obstacles()) if (obstacle.kind === 'room') input.unblock(obstacle)
}
