import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Mounts, openMountTable } from '../../../../src/input/volume/mounts.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { freshDirectory } from '../../../support/temp.ts'

const OWN = readFileSync('/proc/self/mountinfo', 'latin1')

interface Mounted {
  readonly point: string
  readonly type: string
  readonly device?: string
  readonly source?: string
}

/** The table of this machine, with more mounts. */
function table(...mounted: readonly Mounted[]): string {
  const more = mounted.map(({ point, type, device = '0:99', source = 'server:/x' }, index) => {
    const escaped = point.replaceAll(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
    return `${9000 + index} 27 ${device} / ${escaped} rw,relatime shared:7 master:2 - ${type} ${source} rw,hard\n`
  })
  return OWN + more.join('')
}

function directories(t: TestContext, names: readonly string[] = []): { at: (name: string) => string } {
  const root = freshDirectory(t)
  const at = (name: string): string => join(root, name)
  for (const name of names) mkdirSync(at(name), { recursive: true })
  return { at }
}

void test('reads the table again without another descriptor', () => {
  const read = openMountTable()
  const before = readdirSync('/proc/self/fd').length
  assert.equal(read(), OWN)
  assert.equal(read(), OWN)
  assert.equal(readdirSync('/proc/self/fd').length, before)
})

function mountsOf(text: string): Mounts {
  return new Mounts({ read: () => text, clock: () => 0 })
}

void test('finds no mount that can hang where there is none', (t) => {
  const { at } = directories(t, ['logs'])
  const local = OWN.replaceAll(/ - (?:fuse|nfs|9p|virtiofs|autofs)\S* /g, ' - ext4 ')
  assert.equal(mountsOf(local).hangingAt(at('logs/a.log')), null)
})

void test('finds the mount that a path is on, or leads through', (t) => {
  const { at } = directories(t, ['logs/nfs/deep', 'logs/nfsx'])
  const mounts = mountsOf(table({ point: at('logs/nfs'), type: 'nfs4', device: '0:77' }))
  for (const name of ['logs/nfs', 'logs/nfs/', 'logs/nfs/deep/a.log', 'logs/./nfs/nothing', 'logs/nfsx/../nfs/a'])
    assert.equal(mounts.hangingAt(at(name))?.device, '0:77', name)
  for (const name of ['logs', 'logs/nfsx/a.log', 'logs/nothing/nfs', 'a.log'])
    assert.equal(mounts.hangingAt(at(name)), null, name)
})

void test('recognizes file systems that can hang, and those with a similar name that cannot', () => {
  const types = (all: string): string[] =>
    all.split(' ').filter((type) => mountsOf(table({ point: '/mnt/x', type })).hangingAt('/mnt/x/a') !== null)
  const hanging = 'nfs nfs4 cifs smb3 fuse fuse.sshfs fuse.glusterfs fuseblk virtiofs 9p ceph lustre autofs gfs2 ocfs2'
  assert.equal(types(hanging).join(' '), hanging)
  assert.deepEqual(types('ext4 xfs btrfs tmpfs overlay nfsd fusectl proc cgroup2 zfs bpf'), [])
})

void test('follows links to links, without any call that goes to the mount', (t) => {
  const { at } = directories(t, ['logs', 'far', 'other/sub'])
  symlinkSync(at('far/logs'), at('logs/absolute'))
  symlinkSync('../far/./logs', at('logs/relative'))
  symlinkSync('absolute/deeper', at('logs/chain'))
  symlinkSync('../other/sub', at('logs/near'))
  symlinkSync('loop', at('logs/loop'))
  symlinkSync('nowhere', at('logs/dangling'))
  writeFileSync(at('other/sub/a.log'), '')
  const mounts = mountsOf(table({ point: at('far'), type: 'fuse.sshfs' }))
  for (const name of ['absolute', 'relative', 'chain', 'chain/a.log', 'near/../../far/x'])
    assert.equal(mounts.hangingAt(at(`logs/${name}`))?.device, '0:99', name)
  for (const name of ['near', 'near/a.log', 'loop', 'loop/a', 'dangling', 'dangling/../..'])
    assert.equal(mounts.hangingAt(at(`logs/${name}`)), null, name)
})

void test('uses the last of several mounts at one place', (t) => {
  const { at } = directories(t, ['one', 'two'])
  const mounts = mountsOf(
    table(
      { point: at('one'), type: 'nfs' },
      { point: at('one'), type: 'tmpfs' },
      { point: at('two'), type: 'tmpfs' },
      { point: at('two'), type: 'nfs' },
    ),
  )
  assert.equal(mounts.hangingAt(at('one/a')), null)
  assert.equal(mounts.hangingAt(at('two/a'))?.device, '0:99')
})

void test('reads mount points with spaces, and with bytes that are not text', (t) => {
  const { at } = directories(t)
  const names = ['with space', 'back\\slash', 'tab\there', '\xff\xfe']
  for (const name of names) mkdirSync(Buffer.from(at(name), 'latin1'))
  for (const name of names) {
    const mounts = mountsOf(table({ point: at(name), type: 'nfs' }))
    assert.equal(mounts.hangingAt(at(`${name}/a.log`))?.point, at(name), name)
  }
})

void test('finds the server of a mount in its source', () => {
  const serverOf = (source: string): unknown => {
    const mounts = mountsOf(table({ point: '/mnt/x', type: 'fuse', device: '0:77', source }))
    return mounts.hangingAt('/mnt/x/a')?.server
  }
  const sources = {
    'nas:/export': 'nas',
    '10.0.0.7:/export/a:b': '10.0.0.7',
    '[fd00::7]:/export': '[fd00::7]',
    '//nas/share': 'nas',
    'me@nas:logs': 'nas',
    '10.0.0.7:6789,10.0.0.8:6789:/': '10.0.0.7',
  }
  for (const [source, host] of Object.entries(sources)) assert.equal(serverOf(source), host, source)
  for (const source of ['none', 's3fs', '/dev/fuse', '', '//', ':/x']) assert.equal(serverOf(source), '0:77', source)
})

void test('finds the mount for every path if the root is on it', () => {
  assert.equal(mountsOf(table({ point: '/', type: '9p' })).hangingAt('/var/log/a.log')?.point, '/')
})

void test('reads the table again after a second, and not for every path', (t) => {
  const { at } = directories(t, ['logs'])
  const clock = new HandClock()
  let text = OWN
  let reads = 0
  const mounts = new Mounts({ clock: clock.read, read: () => (reads++, text) })
  assert.equal(mounts.hangingAt(at('logs')), null)
  text = table({ point: at('logs'), type: 'nfs' })
  clock.advance(999)
  assert.equal(mounts.hangingAt(at('logs')), null)
  assert.equal(reads, 1)
  clock.advance(1)
  assert.equal(mounts.hangingAt(at('logs'))?.device, '0:99')
  assert.equal(reads, 2)
})
