// A recurrent network, one `scan` long, reads a wave and goes on by itself.
import { arange, cat, init, manualSeed, nn } from 'lampas'
import { optim, rand, symbolic, zeros } from 'lampas'
import { pause, report, settings, showFit } from 'playground'

await init({ device: settings.device })
manualSeed(2)

const units = 32
const length = 64
const given = 24 // what it reads before it goes on alone
const batch = 32

const read = new nn.Linear(1, units)
const remember = new nn.Linear(units, units)
const tell = new nn.Linear(units, 1)
nn.init.orthogonal_(remember.weight)
const parameters = [read, remember, tell].flatMap(l => [...l.parameters()])
const optimizer = new optim.Adam(parameters, { lr: 3e-3 })

// One step: the next state, and what it takes for the next value. Where
// `seen` is 0 it reads its own last answer in place of the wave.
const step = (value, seen, state, answer) => {
  const input = value.mul(seen).add(answer.mul(seen.neg().add(1)))
  const next = read.forward(input).add(remember.forward(state)).tanh()
  return [next, tell.forward(next)]
}

// The loop is one node of the graph, and so is its derivative.
const waves = symbolic.tensor3('waves') // [length, rows, 1]
const seen = symbolic.tensor3('seen') // [length, 1, 1]
const start = symbolic.matrix('start') // [rows, units]
const silence = start.narrow(1, 0, 1)
const [, answers] = symbolic.scan(step, {
  sequences: [waves, seen],
  outputsInfo: [start, silence],
})
const after = (x, n) => x.narrow(0, 1, n)
const error = answers.narrow(0, 0, length - 1).sub(after(waves, length - 1))
const cost = error.square().mean()

const mode = settings.compile ? 'fastRun' : 'eager'
const train = symbolic.func({
  name: 'train', inputs: [waves, seen, start], outputs: cost,
  updates: optimizer.updates(cost, parameters), mode,
})
const goOn = symbolic.func({
  name: 'goOn',
  inputs: [waves, seen, start],
  outputs: answers,
  mode,
})

// Each wave has its own pace and begins where it likes.
const time = arange(length).reshape(length, 1, 1)
const some = rows => {
  const pace = rand([1, rows, 1]).mul(0.2).add(0.2)
  return time.mul(pace).add(rand([1, rows, 1]).mul(2 * Math.PI)).sin()
}
const until = count => time.lt(count).to('float32')
const shown = some(1)
const first = shown.narrow(0, 0, 1).reshape(1, 1)
const curve = () => {
  const next = goOn(shown, until(given), zeros([1, units])).reshape(length, 1)
  return cat([first, next.narrow(0, 0, length - 1)])
}

const steps = 1200
for (let n = 1; n <= steps; n++) {
  // It sees all of the wave at first, then less and less.
  const left = Math.max(0, 1 - n / 800)
  const mask = until(given + left * (length - given))
  const loss = await train(some(batch), mask, zeros([batch, units])).item()
  report({ step: n, steps, loss })
  if (n % 10 === 0) await showFit(curve, { x: time, y: shown })
  await pause()
}
const alone = length - given
console.log(`It read ${given} points of the wave and made up the other ${alone}.`)
