import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Life } from '../../../../src/input/files/life.ts'

void test('a generation is admitted once, and may finish and be revived', () => {
  const life = new Life('live')
  assert.deepEqual([life.admitted, life.finished, life.activeAt], [false, false, 0])
  life.admit()
  life.finish()
  life.noteActivity(7)
  assert.deepEqual([life.admitted, life.finished, life.activeAt], [true, true, 7])
  life.revive()
  assert.deepEqual([life.admitted, life.finished], [true, false])
})

void test('a file can lose its name and get it back; a generation whose bytes are gone is over', () => {
  const life = new Life('rotated')
  assert.deepEqual([life.standing, life.isOver], ['rotated', false])
  life.beLive()
  assert.deepEqual([life.standing, life.isOver], ['live', false])
  life.loseName('deleted')
  assert.deepEqual([life.standing, life.isOver], ['deleted', false])
  life.detach()
  assert.deepEqual([life.standing, life.isOver], ['detached', true])
})

void test('a generation that is no known file any more is over, whatever its standing', () => {
  const life = new Life('live')
  life.forget()
  assert.deepEqual([life.standing, life.forgotten, life.isOver], ['live', true, true])
})
