// Captions to word numbers, as the text encoder's tokenizer of Keras counts
// them: lower case, without punctuation, 0 for padding, 1 for other words.

const PUNCTUATION = /[!-/:-@[-`{-~]/g;
const SPACE = /[ \t\n\v\f\r]+/;

export function wordsOf(caption) {
  return caption
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replace(PUNCTUATION, "")
    .split(SPACE)
    .filter((word) => word);
}

export function tokensOf(caption, { vocabulary, length }) {
  const words = wordsOf(caption).slice(0, length);
  if (words.length === 0) throw new Error("A caption needs at least one word.");
  const tokens = new Int32Array(length);
  words.forEach((word, i) => {
    const place = vocabulary.indexOf(word);
    tokens[i] = place < 0 ? 1 : place + 2;
  });
  return tokens;
}

export function unknownWords(caption, { vocabulary }) {
  return [...new Set(wordsOf(caption).filter((word) => !vocabulary.includes(word)))];
}
