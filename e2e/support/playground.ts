// A visitor at the playground: what tests do with the page and read from it.
import { readFileSync } from 'node:fs'
import { expect } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'
import { root } from './pack.ts'

/** The code of an example as it ships. */
export const exampleCode = (id: string): string => readFileSync(`${root}web/examples/${id}.js`, 'utf8')

export interface Reading {
  readonly phase: string
  readonly step: number
  readonly loss: number
  readonly accuracy: number
  readonly rate: number
}

export class Visitor {
  readonly run: Locator
  readonly stop: Locator
  readonly device: Locator
  readonly example: Locator
  readonly compile: Locator
  readonly status: Locator
  readonly code: Locator
  readonly console: Locator
  readonly notice: Locator

  constructor(readonly page: Page) {
    this.run = page.getByRole('button', { name: 'Run', exact: true })
    this.stop = page.getByRole('button', { name: 'Stop', exact: true })
    this.device = page.getByRole('combobox', { name: 'Device' })
    this.example = page.getByRole('combobox', { name: 'Example' })
    this.compile = page.getByRole('checkbox', { name: 'Compile' })
    this.status = page.getByRole('status')
    this.code = page.getByRole('textbox', { name: 'Code' })
    this.console = page.getByRole('log', { name: 'Console' })
    this.notice = page.getByRole('alert')
  }

  /** Opens the page in a state, `url` elsewhere than the usual server. */
  async open(state: Readonly<Record<string, string>> = {}, url = '/'): Promise<this> {
    await this.page.goto(`${url}#${new URLSearchParams(state).toString()}`)
    await expect(this.run).toBeEnabled()
    return this
  }

  async write(code: string): Promise<void> {
    await this.code.click()
    await this.page.keyboard.press('ControlOrMeta+a')
    await this.page.keyboard.insertText(code)
  }

  async read(): Promise<Reading> {
    const text = (await this.status.innerText()).replace(/\s+/g, ' ')
    const found = /^(\w+) step (\d+|–)(?: \/ \d+)? loss (\S+) accuracy (\S+)(?: %)? steps per second (\S+)$/.exec(text)
    if (!found) throw new Error(`The status line says: ${text}`)
    const [, phase, step, loss, accuracy, rate] = found
    return { phase, step: Number(step), loss: Number(loss), accuracy: Number(accuracy) / 100, rate: Number(rate) }
  }

  async until(phase: 'Done' | 'Stopped' | 'Failed', timeout: number): Promise<Reading> {
    await expect(this.status).toContainText(new RegExp(`${phase}|Failed`), { timeout })
    const reading = await this.read()
    expect(reading.phase, await this.console.innerText()).toBe(phase)
    return reading
  }

  /** Draws strokes, each a list of points in shares of the canvas. */
  async draw(...strokes: readonly (readonly (readonly [number, number])[])[]): Promise<void> {
    const canvas = this.page.getByRole('img', { name: 'Drawing canvas' })
    await canvas.scrollIntoViewIfNeeded()
    const box = await canvas.boundingBox()
    if (!box) throw new Error('The drawing canvas is not in the page')
    const { mouse } = this.page
    for (const stroke of strokes) {
      const [first, ...rest] = stroke.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const)
      await mouse.move(...first)
      await mouse.down()
      for (const point of rest) await mouse.move(...point, { steps: 3 })
      await mouse.up()
    }
  }
}

/** A ring, which is a nought. */
export const ring = Array.from({ length: 25 }, (_, i): [number, number] => [0.5 - 0.24 * Math.sin((i / 24) * 2 * Math.PI), 0.5 - 0.36 * Math.cos((i / 24) * 2 * Math.PI)])

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

/** Lengths in milliseconds of the tasks that the page's main thread did meanwhile: processor time, and time by the clock. */
export async function mainThreadTasks(page: Page, during: () => Promise<void>): Promise<{ cpu: number; wall: number }[]> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', { transferMode: 'ReportEvents', categories: 'toplevel,__metadata' })
  await during()
  const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()))
  await session.send('Tracing.end')
  await complete
  const main = events.find(e => e.name === 'thread_name' && e.args.name === 'CrRendererMain')
  if (!main) throw new Error('The trace has no main thread')
  return events.filter(e => e.ph === 'X' && e.pid === main.pid && e.tid === main.tid && /RunTask/.test(e.name)).map(e => ({ cpu: (e.tdur ?? e.dur ?? 0) / 1000, wall: (e.dur ?? 0) / 1000 }))
}
