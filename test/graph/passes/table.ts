// The table of a phase's rewrites, as the page has it.
import { rewrites } from '../../../src/index.ts'

export const tableOf = (phase: string): string =>
  ['| Name | Rule | When |', '| --- | --- | --- |', ...rewrites().filter(r => r.phase === phase).map(r => `| \`${r.name}\`${r.rounds ? ' ≈' : ''} | ${r.rule.split('; ').map(t => `\`${t}\``).join('<br>')} | ${r.when} |`)].join('\n')
