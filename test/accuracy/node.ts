// The measurement as the command line loads it.
import { gpu } from '../devices.ts'
import { deviceOf, measure, open, type Build } from './measure.ts'
import { subjects } from './subjects.ts'

export { builds } from './measure.ts'

/** The worst error of each function in ulp; null where the device is missing. */
export async function measureAll(build: Build, count: number) {
  if (build === 'webgpu' && !gpu) return null
  await open(build, gpu ?? undefined)
  const name = deviceOf(build)
  const rows = []
  for (const s of subjects) rows.push({ name: s.name, ranges: s.ranges, scale: s.scale, allowed: s[name], ...(await measure(s, name, count)) })
  return rows
}
