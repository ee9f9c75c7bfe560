// A transformer reads first names, letter by letter, and writes new ones.
import { arange, compile, init, manualSeed, nn } from 'lampas'
import { noGrad, optim, randint, tensor } from 'lampas'
import { names, pause, report, settings, showText } from 'playground'

await init({ device: settings.device })
manualSeed(5)

const letters = '.abcdefghijklmnopqrstuvwxyz' // the dot ends a name
const vocab = letters.length
const context = 13
const width = 48

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(width)
  attention = new nn.MultiheadAttention(width, 4, { batchFirst: true })
  norm2 = new nn.LayerNorm(width)
  mlp = new nn.Sequential(
    new nn.Linear(width, 4 * width), new nn.GELU(),
    new nn.Linear(4 * width, width),
  )

  forward(x) {
    const h = this.norm1.forward(x)
    const causal = { isCausal: true, needWeights: false }
    x = x.add(this.attention.forward(h, h, h, causal)[0])
    return x.add(this.mlp.forward(this.norm2.forward(x)))
  }
}

class GPT extends nn.Module {
  letter = new nn.Embedding(vocab, width)
  place = new nn.Embedding(context, width)
  blocks = new nn.Sequential(new Block(), new Block())
  norm = new nn.LayerNorm(width)
  head = new nn.Linear(width, vocab)

  forward(ids) {
    const places = this.place.forward(arange(context))
    const x = this.blocks.forward(this.letter.forward(ids).add(places))
    return this.head.forward(this.norm.forward(x))
  }
}

const model = new GPT()
console.log(String(model))
const steps = 1000
const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 })
const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, steps)

// A batch: the letters of some names, and at each place the letter that
// follows. Places after the end of a name are not learned from.
const all = await names()
const integers = list => tensor(list, { dtype: 'int32' })
async function batch(size) {
  const ids = []
  const next = []
  for (const i of await randint(0, all.length, [size]).toArray()) {
    const text = `.${all[i]}.`
    const codes = Array.from(text.padEnd(context + 1, '.'), c => letters.indexOf(c))
    ids.push(codes.slice(0, context))
    next.push(codes.slice(1).map((c, k) => (k < text.length - 1 ? c : -100)))
  }
  return [integers(ids), integers(next)]
}

const trainStep = (ids, next) => {
  optimizer.zeroGrad()
  const logits = model.forward(ids).reshape(-1, vocab)
  const loss = nn.functional.crossEntropy(logits, next.reshape(-1))
  loss.backward()
  nn.utils.clipGradNorm_(model.parameters(), 1)
  optimizer.step()
  return loss
}
const step = settings.compile ? compile(trainStep) : trainStep

// Writes names letter by letter, each drawn by its probability.
async function write(count) {
  const texts = Array.from({ length: count }, () => [0])
  for (let k = 0; k < context - 1; k++) {
    const ids = texts.map(t => [...t, ...Array(context - t.length).fill(0)])
    const logits = noGrad(() => model.forward(integers(ids)).at(':', k))
    const drawn = await logits.softmax(-1).multinomial(1).toArray()
    texts.forEach((text, i) => text.push(drawn[i][0]))
    await pause()
  }
  return texts.map(t => t.slice(1).map(c => letters[c]).join('').split('.')[0])
}

const known = new Set(all)
const capital = w => w.slice(0, 1).toUpperCase() + w.slice(1)
const shown = w => capital(w) + (known.has(w) ? '' : ' ✦')

for (let n = 1; n <= steps; n++) {
  const loss = await step(...(await batch(64))).item()
  schedule.step()
  report({ step: n, steps, loss })
  if (n === 1 || n % 50 === 0) showText((await write(20)).map(shown))
  await pause()
}
console.log('Names with ✦ are in no list: the model made them up.')
