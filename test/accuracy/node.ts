// The measurement as the command line loads it.
import { gpu } from '../devices.ts'
import { measure, open } from './measure.ts'
import { subjects } from './subjects.ts'

/** One device after the other: the worst error of each function in ulp. */
export async function measureAll(name: 'wasm' | 'webgpu', count: number) {
  if (!(await open(name, gpu ?? undefined))) return null
  const rows = []
  for (const s of subjects) rows.push({ name: s.name, ranges: s.ranges, scale: s.scale, allowed: s[name], ...(await measure(s, name, count)) })
  return rows
}
