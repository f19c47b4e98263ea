// Other pipelines than the four tokenizers': each is the demo captioner's tokenizer.json with some parts replaced ("model" is merged).
const byteLevel = (use_regex, add_prefix_space = false) => ({ type: 'ByteLevel', add_prefix_space, trim_offsets: true, use_regex });
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const split = (pattern, behavior, invert) => ({ type: 'Split', pattern, behavior, invert });
const added = (id, content, flags = {}) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags });
const end = added(0, '<|endoftext|>');
const gpt4 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const variants = {
  'added tokens: stripping': { added_tokens: [end, added(1, '<l>', { lstrip: true }), added(2, '<r>', { rstrip: true }), added(3, '<b>', { lstrip: true, rstrip: true })] },
  'added tokens: words': { added_tokens: [end, added(1, 'cat', { single_word: true }), added(2, 'ca', { special: false })] },
  'added tokens: overlaps': { added_tokens: [end, added(1, '<a>'), added(2, '<a><b>'), added(3, 'a><'), added(1540, '<b><c>', { special: false })] },
  'added tokens: normalised': { normalizer: { type: 'Lowercase' }, added_tokens: [end, added(1, '<A>', { normalized: true }), added(2, '<B>'), added(3, 'DOG', { normalized: true, special: false })] },
  'prefix space': { pre_tokenizer: byteLevel(true, true), added_tokens: [end] },
  'prefix space after a split': { pre_tokenizer: sequence(split({ String: ',' }, 'Isolated', false), byteLevel(false, true)) },
  'bytes without splitting': { pre_tokenizer: byteLevel(false) },
  'GPT-4 pattern': { pre_tokenizer: sequence(split({ Regex: gpt4 }, 'Isolated', false), byteLevel(false)) },
  'template': { post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: 'x', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: 'y', type_id: 0 } }], pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }], special_tokens: { x: { id: 'x', ids: [5, 6], tokens: ['%', '&'] }, y: { id: 'y', ids: [7], tokens: ["'"] } } } },
  'Bert': { post_processor: { type: 'BertProcessing', sep: ['%', 5], cls: ['&', 6] } },
  'processors in sequence': { post_processor: { type: 'Sequence', processors: [byteLevel(true), { type: 'RobertaProcessing', sep: ['%', 5], cls: ['&', 6], trim_offsets: true, add_prefix_space: false }] } },
  'no post-processor, no decoder': { post_processor: null, decoder: null },
  'no normaliser, no pre-tokenizer': { pre_tokenizer: null },
  'unknown tokens': { pre_tokenizer: null, model: { unk_token: '<|endoftext|>', fuse_unk: false } },
  'unknown tokens, fused': { pre_tokenizer: null, model: { unk_token: '<|endoftext|>', fuse_unk: true } },
  'whole words first': { model: { ignore_merges: true } },
  'composition': { normalizer: { type: 'NFC' } },
  'replacing text': { normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace', pattern: { String: '.' }, content: ' dot ' }, { type: 'Replace', pattern: { Regex: '\\p{N}+' }, content: '' }] } },
};
for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']) {
  for (const invert of [false, true]) variants[`split: ${behavior}${invert ? ', inverted' : ''}`] = { pre_tokenizer: sequence(split({ Regex: '[\\p{N}-]' }, behavior, invert), byteLevel(false)) };
}

const texts = [
  'a cat and a dog', 'cat', 'cats', 'the cat, the ca', ' cat ', '<a>', '<a><b><c>', '<a><b> <b><c> a><', '<A> <B> <b> dog DOG dOg', 'x <l> y <r> z <b> w', '  <b>  <l>  <r>  ', '<r>   <l>', '<r> <b> x', 'a--b-12-3', '-', '--', '12', '1-', '-1', 'a1b2-c', 'no digits', ' lead', 'a,b,, c', ',', "It's DON'T we'll 12345 items\n\n  ok", '𝒳yz 𝟘𝟙 😀-😀', 'Cafe\u0301 1. e\u0301.2', 'a<|endoftext|>b', '日本-語 3', '\u0301a', '', ' ', '\n \n',
];

// Version 0.23 decodes an added token to its normalised form, which it then takes for no special token. What is tested is how 0.22 decodes, the
// version of transformers 4: to the token as it is written in the file.
const encodeOnly = ['added tokens: normalised'];

export { encodeOnly, texts as variantTexts, variants };
