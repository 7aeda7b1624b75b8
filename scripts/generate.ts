/**
 * Writes the files that are generated from the sources. With --check it writes nothing, names the files that have
 * drifted and exits with 1. A new generated file is one line in FILES.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { configurationJsonSchema } from './configuration-json-schema.ts'
import { configurationPage } from './configuration-page.ts'

const FILES: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/configuration.schema.json': configurationJsonSchema,
}

const isCheck = process.argv.includes('--check')
for (const [file, render] of Object.entries(FILES)) {
  const path = resolve(import.meta.dirname, '..', file)
  const content = render()
  if (content === contentOf(path)) continue
  if (isCheck) {
    process.stderr.write(`${file} has drifted from its source: run npm run generate\n`)
    process.exitCode = 1
  } else {
    writeFileSync(path, content)
    process.stdout.write(`${file} written\n`)
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
