// The code blocks of the pages, and what they promise: a line that ends in `// → text` prints that text.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly code: string
}

export const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

export function blocksOf(page: string, text = readFileSync(join(root, page), 'utf8')): Block[] {
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(({ 1: language, 2: code, index }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    code,
  }))
}

/** `console.log(value) // → text` becomes a comparison; `say` is what the test listens to. */
export function listening(code: string): string {
  return code.replace(/^(\s*)console\.log\((.*)\)\s*\/\/ → (.*)$/gm, (_, indent, value, text) => `${indent}globalThis.say([${value}], ${JSON.stringify(text.trim())})`)
}
