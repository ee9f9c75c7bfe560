// The worker that runs the user's code. One worker runs one program; it stays alive afterwards so that the trained model can
// answer drawings, and ends with its page or when the next run begins.
import * as lampas from 'lampas'
import type { FromWorker, LogLine, Outcome, RunRequest, ToWorker } from '../shared/protocol.ts'
import { describe } from './api.ts'
import { failureOf } from './failure.ts'
import { Feed } from './feed.ts'
import { formatLine } from './format.ts'
import { inspect, listFunctions, overrides, rewritingOf, timeKernels } from './functions.ts'
import { moduleLinker } from './modules.ts'
import * as playground from './playground.ts'

/** How long a program may take to notice that its device is gone. */
const LOST_GRACE = 2000

const levels = ['log', 'info', 'warn', 'error', 'debug'] as const satisfies readonly LogLine['level'][]

Error.stackTraceLimit = 50

const post = (message: FromWorker, transfer: Transferable[] = []): void => self.postMessage(message, { transfer })
const feed = new Feed(post, () => {
  if (opened === 0) return null
  const { held, reserved } = lampas.memory()
  return { held, reserved }
})

let finished = false
let opened = 0
let explain = (_error: unknown): void => {}
let program = ''

/** `init` as the user's code sees it: the page learns which device was opened, and when it goes away. */
const init: typeof lampas.init = async options => {
  const device = await lampas.init(options)
  const turn = ++opened
  post({ type: 'device', device: { name: device.name, detail: device.detail, threads: device.threads, why: device.why } })
  void device.lost.then(reason => {
    feed.log({ level: 'warn', text: `The device ${device.name} was lost: ${reason}` })
    setTimeout(() => turn === opened && finish('lost', reason), LOST_GRACE)
  })
  return device
}

const { control, Stopped, ...shown } = playground
const modules = { lampas: { ...lampas, ...overrides, init }, playground: shown }
const link = moduleLinker(modules)

async function probe(): Promise<void> {
  const devices = await lampas.availableDevices()
  for (const { name } of devices) lampas.closeDevice(name)
  post({ type: 'devices', devices: devices.map(({ name, available, why }) => ({ name, available, why })) })
}

/** Once, except that a device may be lost after the program's end, with the model that answers drawings. */
function finish(outcome: Outcome, reason: string): void {
  if (finished && outcome !== 'lost') return
  finished = true
  feed.flush()
  feed.sendMemory()
  post({ type: 'finished', outcome, reason })
}

async function run({ code, imports, settings, base, times }: RunRequest): Promise<void> {
  timeKernels(times)
  control.start({ base, feed, post }, settings)
  const url = (program = link(code, imports))
  explain = error => {
    const failure = failureOf(error, url, code)
    feed.flush()
    post({ type: 'failure', failure })
  }
  for (const level of levels) console[level] = (...args: unknown[]) => feed.log({ level, text: formatLine(args) })
  try {
    await import(/* @vite-ignore */ url)
    finish('done', '')
  } catch (error) {
    if (error instanceof Stopped) {
      finish('stopped', '')
    } else if (error instanceof lampas.DeviceLostError) {
      explain(error)
      finish('lost', error.problem)
    } else {
      explain(error)
      finish('failed', '')
    }
  }
  await control.end()
}

self.addEventListener('error', event => {
  event.preventDefault()
  explain(event.error ?? event.message)
})
self.addEventListener('unhandledrejection', event => {
  event.preventDefault()
  explain(event.reason)
})
self.addEventListener('message', (event: MessageEvent<ToWorker>) => {
  const message = event.data
  if (message.type === 'run') run(message).catch(explain)
  else if (message.type === 'probe') void probe()
  else if (message.type === 'stop') control.stop()
  else if (message.type === 'functions') post({ type: 'functions', functions: listFunctions() })
  else if (message.type === 'inspect') show(message.id)
  else if (message.type === 'rewriting') {
    const rewriting = rewritingOf(message)
    if (rewriting) post({ type: 'rewriting', rewriting })
  }
  else control.draw(message.pixels).catch(explain)
})

function show(id: number): void {
  const insight = inspect(id, program)
  if (insight) post({ type: 'insight', insight })
}

/** A lock of the worker's name, for which the page waits: it comes free when the worker ends, however it ends. */
const holdLock = (): Promise<void> =>
  new Promise(granted => {
    void navigator.locks.request(self.name, () => {
      granted()
      return new Promise(() => {})
    })
  })

if (navigator.locks) await holdLock()

post({ type: 'ready', api: describe(modules, lampas) })
