// Runs PyTorch's calls beside the page, so that the page always answers.
import { availableDevices, closeDevice, init } from 'lampas'
import { describeError, runGolden, type Result } from '../../test/golden/adapter.ts'
import { runErrors } from '../../test/golden/errors.ts'
import { exceptionFor } from '../../test/golden/exceptions.ts'
import type { ErrorManifest, Manifest } from '../../test/golden/format.ts'
import { runPrograms, type ProgramManifest } from '../../test/golden/programs.ts'
import type { Checked, Family, FromWorker, Pass, ToWorker } from './protocol.ts'

const post = (message: FromWorker): void => self.postMessage(message)

type Play = (pass: Pass, onResult: (r: Result) => void) => Promise<unknown>
interface Loaded {
  readonly count: number
  readonly play: Play
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`${address} could not be loaded: ${response.status}`)
  return response
}

async function load({ name, manifest: address, numbers }: Family, ops: readonly string[]): Promise<Loaded> {
  const [manifest, buffer] = await Promise.all([fetched(address).then(r => r.json() as Promise<unknown>), numbers === null ? new ArrayBuffer(0) : fetched(numbers).then(r => r.arrayBuffer())])
  const filter = (c: { id: string; op?: string }): boolean => ops.length === 0 || ops.includes(c.op ?? 'programs')
  const count = (manifest as { cases: { id: string; op?: string }[] }).cases.filter(filter).length
  const options = (pass: Pass, onResult: (r: Result) => void) => ({ ...pass, filter, onResult })
  if (name === 'errors') return { count, play: (pass, on) => runErrors(manifest as ErrorManifest, options(pass, on)) }
  if (name === 'programs') return { count, play: (pass, on) => runPrograms(manifest as ProgramManifest, buffer, options(pass, on)) }
  return { count, play: (pass, on) => runGolden(manifest as Manifest, buffer, options(pass, on)) }
}

/** Milliseconds between two messages, so that the page is not flooded. */
const PACE = 80

async function check(passes: readonly Pass[], families: readonly Family[], ops: readonly string[]): Promise<void> {
  const loaded = await Promise.all(families.map(f => load(f, ops)))
  post({ type: 'plan', counts: loaded.map(l => l.count) })
  for (const [at, pass] of passes.entries()) {
    const opened = await init({ device: pass.device })
    if (opened.name !== pass.device) {
      post({ type: 'refused', pass: at, why: opened.why })
      continue
    }
    const { name, detail, threads, why } = opened
    post({ type: 'opened', pass: at, device: { name, detail, threads, why } })
    for (const [family, { count, play }] of loaded.entries()) {
      let waiting: Checked[] = []
      const began = performance.now()
      let sent = began
      const send = (): void => {
        if (waiting.length > 0) post({ type: 'checked', pass: at, family, results: waiting, ms: performance.now() - began })
        waiting = []
        sent = performance.now()
      }
      if (count > 0)
        await play(pass, r => {
          waiting.push({ ...r, known: exceptionFor(r, pass.device, pass.world) })
          if (performance.now() - sent > PACE) send()
        })
      send()
    }
  }
  post({ type: 'done' })
}

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  const work =
    data.type === 'check'
      ? check(data.passes, data.families, data.ops)
      : availableDevices().then(devices => {
          for (const { name } of devices) closeDevice(name)
          post({ type: 'devices', devices: devices.map(({ name, available, why }) => ({ name, available, why })) })
        })
  work.catch((error: unknown) => post({ type: 'broken', why: describeError(error) }))
})
