// A transformer reads first names, letter by letter, and learns to write new ones.
import { arange, compile, init, manualSeed, nn, noGrad, optim, tensor } from 'lampas'
import { names, pause, report, settings, showText } from 'playground'

await init({ device: settings.device })
manualSeed(5)

const letters = '.abcdefghijklmnopqrstuvwxyz' // the dot begins and ends a name
const vocab = letters.length
const context = 13
const width = 48
const heads = 4

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(width)
  attention = new nn.MultiheadAttention(width, heads, { batchFirst: true })
  norm2 = new nn.LayerNorm(width)
  up = new nn.Linear(width, 4 * width)
  gelu = new nn.GELU()
  down = new nn.Linear(4 * width, width)

  forward(x) {
    const h = this.norm1.forward(x)
    x = x.add(this.attention.forward(h, h, h, { isCausal: true, needWeights: false })[0])
    return x.add(this.down.forward(this.gelu.forward(this.up.forward(this.norm2.forward(x)))))
  }
}

class GPT extends nn.Module {
  letter = new nn.Embedding(vocab, width)
  place = new nn.Embedding(context, width)
  blocks = new nn.Sequential(new Block(), new Block())
  norm = new nn.LayerNorm(width)
  head = new nn.Linear(width, vocab)

  forward(ids) {
    const x = this.letter.forward(ids).add(this.place.forward(arange(context)))
    return this.head.forward(this.norm.forward(this.blocks.forward(x)))
  }
}

const model = new GPT()
const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 })
const steps = 1500
const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, steps)
console.log(String(model))

// A batch: the letters of some names, and for each place the letter that follows.
const all = await names()
const known = new Set(all)
function batch(size) {
  const [ids, next] = [[], []]
  for (let i = 0; i < size; i++) {
    const text = `.${all[Math.floor(Math.random() * all.length)]}.`
    const code = Array.from({ length: context + 1 }, (_, k) => Math.max(0, letters.indexOf(text[k] ?? '.')))
    ids.push(code.slice(0, context))
    // Places after the end of the name are not learned from.
    next.push(code.slice(1).map((c, k) => (k < text.length - 1 ? c : -100)))
  }
  return [tensor(ids), tensor(next)]
}

const trainStep = (ids, next) => {
  optimizer.zeroGrad()
  const logits = model.forward(ids).reshape(-1, vocab)
  const loss = nn.functional.crossEntropy(logits, next.reshape(-1), { ignoreIndex: -100 })
  loss.backward()
  nn.utils.clipGradNorm_(model.parameters(), 1)
  optimizer.step()
  return loss
}
const step = settings.compile ? compile(trainStep) : trainStep

// Writes names letter by letter, each drawn by the probability that the model gives it.
async function write(count) {
  const texts = Array.from({ length: count }, () => [0])
  for (let k = 0; k < context - 1; k++) {
    const ids = tensor(texts.map(t => Array.from({ length: context }, (_, i) => t[i] ?? 0)))
    const probs = await noGrad(() => model.forward(ids).at(':', k).softmax(-1)).toArray()
    texts.forEach((t, i) => t.push(draw(probs[i])))
  }
  return texts.map(t => t.slice(1).map(c => letters[c]).join('').split('.')[0])
}

function draw(probs) {
  let r = Math.random()
  const i = probs.findIndex(p => (r -= p) < 0)
  return Math.max(i, 0)
}

for (let n = 1; n <= steps; n++) {
  const loss = await step(...batch(64)).item()
  schedule.step()
  report({ step: n, steps, loss })
  if (n === 1 || n % 50 === 0) {
    const written = await write(18)
    showText(written.map(w => `${w[0]?.toUpperCase() ?? ''}${w.slice(1)}${known.has(w) ? '' : ' ✦'}`))
  }
  await pause()
}
console.log('Names with ✦ are not in the list: the model made them up.')
