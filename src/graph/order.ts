// The order of kernels. A kernel that frees more than it makes runs as soon as its operands are there: a sum of a large gradient does not wait
// for the update that it is fused with. Everything else stays where the program has it.
import type { Slot, Step } from './steps.ts'

interface Memory {
  /** After which step its content was made. */
  written: number
  /** The latest step that reads that content. */
  read: number
}

/** The same kernels in an order that holds less. Each still runs after what it reads was written, and after what it overwrites was read. */
export function ordered(steps: readonly Step[], slotOf: (slot: Slot) => Slot): readonly Step[] {
  const uses = new Map<Slot, number[]>()
  steps.forEach(({ slots }, i) => {
    for (const slot of new Set(slots.map(slotOf))) {
      const list = uses.get(slot)
      if (list) list.push(i)
      else uses.set(slot, [i])
    }
  })
  const memory = new Map<Slot, Memory>()
  /** The step behind which each one stands: itself, or an earlier one. */
  const place: number[] = []
  steps.forEach(({ kernel, slots: raw }, i) => {
    const slots = raw.map(slotOf)
    const count = kernel.inputs.length
    let ready = -1
    slots.forEach((s, k) => {
      const m = memory.get(s)
      if (m) ready = Math.max(ready, m.written, k < count ? -1 : m.read)
    })
    let gain = 0
    for (const s of new Set(slots)) {
      if (s.external >= 0) continue
      const list = uses.get(s)!
      if (list[0] === i) gain -= s.bytes * (i - ready)
      else if (list.at(-1) === i) gain += s.bytes * (i - Math.max(ready, ...list.slice(0, -1).map(u => place[u])))
    }
    const at = gain > 0 && ready >= 0 ? ready : i
    place.push(at)
    slots.forEach((s, k) => {
      const m = memory.get(s) ?? { written: -1, read: -1 }
      memory.set(s, k < count ? { ...m, read: Math.max(m.read, at) } : { written: at, read: at })
    })
  })
  return place.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at || a.i - b.i).map(({ i }) => steps[i])
}
