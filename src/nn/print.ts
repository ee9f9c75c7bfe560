// A model as a tree, one line a module, with its number of parameters.
import type { Module } from './module.ts'

interface Line {
  readonly text: string
  readonly count: number
}

const thousands = (n: number): string => n.toLocaleString('en-US')

function lines(m: Module, label: string, indent: string): Line[] {
  const name = `${indent}${label}${m.constructor.name}(`
  const count = [...m.ownParameters()].reduce((n, [, p]) => n + p.numel, 0)
  const inner = [...m.namedChildren()].flatMap(([field, child]) => lines(child, `(${field}): `, `${indent}  `))
  if (inner.length === 0) return [{ text: `${name}${m.extraRepr()})`, count }]
  return [{ text: `${name}${m.extraRepr()}`, count }, ...inner, { text: `${indent})`, count: 0 }]
}

export function printTree(m: Module): string {
  const all = lines(m, '', '')
  const parameters = [...m.namedParameters()].map(([, p]) => p)
  const total = parameters.reduce((n, p) => n + p.numel, 0)
  const frozen = parameters.filter(p => !p.requiresGrad).reduce((n, p) => n + p.numel, 0)
  const width = Math.max(...all.map(l => l.text.length)) + 2
  const digits = thousands(total).length
  const rows = all.map(l => (l.count > 0 ? `${l.text.padEnd(width)}${thousands(l.count).padStart(digits)}` : l.text))
  if (all.length === 1 && frozen === 0) return rows[0]
  return [...rows, `${thousands(total)} parameter${total === 1 ? '' : 's'}${frozen ? `, ${thousands(frozen)} of them frozen` : ''}`].join('\n')
}
