// How many bytes a library holds after many training steps, told from outside in the same way for all: the page's wasm memories, its GPU buffers
// and its JavaScript heap after a collection.
import { soon } from './contenders.mjs'

const STEPS = 500

/** Runs in the page before anything else: keeps count of wasm memories and of GPU buffers that live. */
function counting() {
  const memories = new Set()
  let buffers = 0
  const gone = new FinalizationRegistry(size => (buffers -= size))
  const note = memory => (memories.add(memory), memory)
  const noteExports = instance => Object.values(instance.exports).forEach(e => e instanceof WebAssembly.Memory && note(e))
  const { instantiate, instantiateStreaming } = WebAssembly
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, { construct: (Memory, args) => note(new Memory(...args)) })
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, args) {
      const instance = new Instance(...args)
      noteExports(instance)
      return instance
    },
  })
  const seen = async promise => {
    const result = await promise
    noteExports(result.instance ?? result)
    return result
  }
  WebAssembly.instantiate = (...args) => seen(instantiate(...args))
  WebAssembly.instantiateStreaming = (...args) => seen(instantiateStreaming(...args))
  if (globalThis.GPUDevice) {
    const { createBuffer } = GPUDevice.prototype
    const { destroy } = GPUBuffer.prototype
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor)
      buffers += buffer.size
      gone.register(buffer, buffer.size, buffer)
      return buffer
    }
    GPUBuffer.prototype.destroy = function () {
      if (gone.unregister(this)) buffers -= this.size
      destroy.call(this)
    }
  }
  globalThis.held = () => buffers + [...memories].reduce((n, memory) => n + memory.buffer.byteLength, 0)
}

/** Bytes held after `STEPS` steps, or after as many as fit in so many seconds. */
export async function holding(contender, patience) {
  try {
    await soon(contender.open(counting), 60, 'opening')
    await contender.prepare('MLP step')
    let steps = 0
    for (const end = Date.now() + 1000 * patience; steps < STEPS && Date.now() < end; ) {
      const count = Math.min(STEPS - steps, steps === 0 ? 2 : 20)
      await soon(contender.round(count), 120, 'MLP steps')
      steps += count
    }
    const session = await contender.context.newCDPSession(contender.page)
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    return { bytes: usedSize + (await contender.page.evaluate('globalThis.held()')), steps }
  } finally {
    await contender.close()
  }
}
