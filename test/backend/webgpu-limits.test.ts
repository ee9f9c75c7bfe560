// Shaders of all kernel kinds keep within what every adapter has: WebGPU's default limits.
import { expect, test } from 'vitest'
import { loadLowerings } from '../../src/backend/late.ts'
import { lower } from '../../src/backend/webgpu/lower.ts'
import type { Job, Target } from '../../src/backend/webgpu/wgsl.ts'
import { cases } from './conformance.ts'

/** Storage buffers, threads of a workgroup, bytes of its memory, workgroups along an axis. */
const limits = [8, 256, 16384, 65535]
const bytes: Readonly<Record<string, number>> = { f32: 4, i32: 4, u32: 4, vec3f: 16, vec4f: 16, vec4i: 16, vec4u: 16 }

/** Bytes of workgroup memory that a shader declares. */
function workgroupBytes(code: string): number {
  const aliases = new Map([...code.matchAll(/alias (\w+) = ([\w<>]+);/g)].map(([, name, type]) => [name, type]))
  const structs = new Map([...code.matchAll(/struct (\w+) \{([^}]*)\}/g)].map(([, name, fields]) => [name, [...fields.matchAll(/: (\w+)/g)].map(m => m[1])]))
  const size = (type: string): number => structs.get(type)?.reduce((sum, t) => sum + size(t), 0) ?? bytes[aliases.get(type) ?? type]
  const declared = [...code.matchAll(/var<workgroup> \w+: (?:array<(\w+), (\d+)u?>|(?:atomic<)?(\w+)>?);/g)]
  expect(declared.length, code).toBe(code.split('var<workgroup>').length - 1)
  return declared.reduce((sum, [, element, length = '1', single]) => sum + size(element ?? single) * Number(length), 0)
}

test.each<Target>([
  { family: 'register', quads: true },
  { family: 'shared', quads: false, halves: true },
])('%o', async target => {
  await loadLowerings()
  const jobs = new Map<string, Job>()
  for (const c of cases)
    for (const { kernel, words } of c.build()) {
      const distinct = [...new Set(words)]
      for (const job of lower(kernel, words.map(w => distinct.indexOf(w)), target).jobs) jobs.set(job.key, job)
    }
  expect(jobs.size).toBeGreaterThan(300)
  const beyond: string[] = []
  for (const job of jobs.values()) {
    const code = job.source()
    const uses = [job.slots.length, Number(/@workgroup_size\((\d+)\)/.exec(code)![1]), workgroupBytes(code), Math.max(...job.groups)]
    if (uses.some((n, k) => !(n <= limits[k]))) beyond.push(`${uses.join()} ${job.key}`)
  }
  expect(beyond).toEqual([])
})
