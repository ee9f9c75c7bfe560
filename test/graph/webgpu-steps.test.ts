// What whole training steps ask of a graphics device: few shaders, and nothing that could have been made once is made in each step.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { tasks, type Task } from '../../bench/models.ts'
import { lower } from '../../src/backend/webgpu/lower.ts'
import type { Target } from '../../src/backend/webgpu/wgsl.ts'
import { needInside } from '../../src/graph/insight.ts'
import { closeDevice, compile, init, manualSeed, nn, optim, type Tensor } from '../../src/index.ts'
import { innerOf } from '../../src/ir/when.ts'
import { gpu } from '../devices.ts'

const target: Target = { family: 'register', quads: true }

function stepOf(task: Task): { step: ReturnType<typeof compile<[Tensor, Tensor], Tensor>>; x: Tensor; y: Tensor } {
  manualSeed(0)
  const { model, x, y } = task.make()
  const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const step = compile((a: Tensor, b: Tensor) => {
    adam.zeroGrad()
    const loss = nn.functional.crossEntropy(model.forward(a), b)
    loss.backward()
    adam.step()
    return loss
  })
  return { step, x, y }
}

describe.skipIf(!gpu)('webgpu (skipped where there is no adapter)', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    closeDevice('webgpu')
  })

  test.each([['digits CNN', 30], ['MLP', 20], ['GPT', 42]])('the step of %s has at most %i shaders', async (name, most) => {
    await init({ device: 'webgpu', gpu: gpu! })
    const { step, x, y } = stepOf(tasks.find(t => t.name.startsWith(name))!)
    step.memory(x, y)
    const keys = needInside('test', step).version.plan.launches.flatMap(({ kernel, blocks }) => {
      const distinct = [...new Set(blocks)]
      return lower(innerOf(kernel), blocks.map(b => distinct.indexOf(b)), target).jobs.map(job => job.key)
    })
    expect(keys.length).toBeGreaterThan(20)
    expect(new Set(keys).size).toBeLessThanOrEqual(most)
  })

  test('after the first two, a step makes no buffer, group or shader, and is one pass of one submission', async () => {
    await init({ device: 'webgpu', gpu: gpu! })
    const { step, x, y } = stepOf(tasks[0])
    for (let i = 0; i < 2; i++) {
      const loss = step(x, y)
      await loss.item()
      loss.dispose()
    }
    const { GPUDevice, GPUQueue, GPUCommandEncoder } = globalThis
    const made = (['createBuffer', 'createBindGroup', 'createBindGroupLayout', 'createShaderModule', 'createComputePipeline', 'createPipelineLayout'] as const).map(m => vi.spyOn(GPUDevice.prototype, m))
    const [submitted, passes, written] = [vi.spyOn(GPUQueue.prototype, 'submit'), vi.spyOn(GPUCommandEncoder.prototype, 'beginComputePass'), vi.spyOn(GPUQueue.prototype, 'writeBuffer')]
    const loss = step(x, y)
    expect([submitted, passes, written].map(m => m.mock.calls.length)).toEqual([1, 1, 0])
    expect(await loss.item()).toBeLessThan(10)
    expect(made.map(m => m.mock.calls.length)).toEqual(made.map(() => 0))
  })
})
