// The texts whose ids are compared: what people write, and what breaks tokenizers.
const cp = (...codes) => String.fromCodePoint(...codes);

const ordinary = [
  '', ' ', '  ', 'a', 'A', ' a', 'a ', ' a ', 'a photo of a cat', 'A Photo Of A CAT', 'two people riding bicycles on the beach', 'The quick brown fox jumps over the lazy dog.',
  'Supercalifragilisticexpialidocious antidisestablishmentarianism', 'a, b; c: d. e! f? (g) [h] {i} "j"', 'hyphen-ated well-known e-mail', 'under_scored snake_case CamelCase',
  'http://example.com/a/b?c=d&e=f#g', 'user@example.org', 'C:\\Windows\\System32', '/usr/local/bin', '#hashtag @mention', '50% off $9.99 €20 £5 ¥100 ₹7', 'x = y + z * 2 / 3 - 4 ^ 5', 'a<b>c</b>', '&amp; &lt;', '...', '…', '-- — – ―', '!!!???!?', "''''", '""', '``', '~~~', '***bold***', '|a|b|', '\\n is not a newline',
];
const contractions = [
  "isn't it? I'm, you're, we've, he'll, she'd, that's", "ISN'T I'M YOU'RE WE'VE HE'LL SHE'D THAT'S", "it's's", "'s 't 're 've 'm 'll 'd", "''s", "rock 'n' roll", "o'clock O'Brien d'Artagnan", "don’t isn’t (curly)", "I 'm it 's do n't", "'", "' '", "a'", "'a", "dogs' cats'",
];
const numbers = [
  '0', '1234567890', '3.14159', '1,234,567.89', '1e-5', '0x1F', '007', '1st 2nd 3rd', '٠١٢٣', '१२३', '①②③', 'Ⅷ ⅷ', '½ ¼ ²³', '12a34b', 'a1b2c3', '2024-01-31T23:59:59Z', '+1 (555) 010-9999', cp(0x1D7D8, 0x1D7D9, 0x1D7DA),
];
const white = [
  '\n', '\n\n', '\r\n', '\t', '\t\ta', 'a\tb', 'a\nb', 'a\r\nb', 'a\n\nb', 'a\n \nb', 'a  b', 'a   b', 'a    b     c', '   leading', 'trailing   ', '  hello   world!!  ', ' \n\t\r ', 'a\u00A0b', 'a\u00A0\u00A0b', 'a\u2003b', 'a\u3000b', 'a\u1680b', 'a\u2028b\u2029c', 'a\u0085b', 'a\u200Bb', 'a\uFEFFb', '\uFEFFbom', 'a\vb\fc', 'a \u00A0 b', ' !', '  !', ' 1', '  1', ' \u00E9', '  \u00E9', 'x ' + ' '.repeat(40) + 'y', ' '.repeat(100), '\n'.repeat(30), 'a\u202Fb', 'a\u205Fb', 'a\u180Eb', '\u001C\u001D\u001E\u001F',
];
const control = [
  '\0', 'a\0b', '\u0001\u0002\u0003', 'a\u0007b', '\u001b[31mred\u001b[0m', '\u007f', '\u0080\u0081\u009f', 'a\u00ADb', '\u200E\u200F\u202A\u202E', 'a\u2060b', '\uFFFC\uFFFD', '\uFFFE\uFFFF', cp(0x1FFFE, 0x10FFFF), '\uE000', cp(0xF0000, 0x10FFFD), cp(0xE0001, 0xE0020, 0xE007F),
];
const latin = [
  'café naïve — über', 'cafe\u0301 nai\u0308ve', 'Ångström Å \u212B A\u030A', 'ÀÉÎÕÜ àéîõü', 'straße STRASSE ẞ', 'ŁódŹ Žižek Čapek', 'İstanbul ıIiİ', 'Œuvre œ Æ æ', 'ﬁ ﬂ ﬀ ﬃ', 'Ǆ ǅ ǆ', 'ŉ ſ K \u212A', 'ĳ Ĳ', 'Ⓐ ⓐ', 'Ｆｕｌｌｗｉｄｔｈ ＡＢＣ １２３', 'Æthelred Þórr ðæt', 'Việt Nam tiếng Việt', 'Vie\u0323\u0302t tie\u0302\u0301ng', 'Tiê\u0301ng', 'naïveté coöperate', 'ñ n\u0303 Ñ N\u0303',
];
const scripts = [
  'Привет, мир! ПРИВЕТ', 'Ёлка ёлка Е\u0308', 'Ελληνικά ΣΊΣΥΦΟΣ σίσυφος Ὀδυσσεύς', '\u1F00 \u1F08 \u1FB3 \u0391\u0345', 'مرحبا بالعالم', 'السَّلَامُ عَلَيْكُمْ', 'شکریہ ۱۲۳', 'שלום עולם שָׁלוֹם', 'नमस्ते दुनिया', 'क्षत्रिय ज़ ज\u093C ड़', 'বাংলা ভাষা', 'தமிழ் மொழி', 'తెలుగు ಕನ್ನಡ മലയാളം', 'สวัสดีชาวโลก', 'ພາສາລາວ', 'မြန်မာ', 'ខ្មែរ', 'བོད་སྐད་', '日本語', '日本語 テスト ひらがな カタカナ', 'が か\u3099 パ ハ\u309A', 'ｶﾞ ﾊﾟ', '中文测试 繁體中文', '你好，世界！。「引號」', '한국어 안녕하세요', '\u1112\u1161\u11AB\u1100\u1173\u11AF', '가 \u1100\u1161 각 \uAC00\u11A8', '𠀀𠀁𪚥 𠮷野家', '\uF900 \uFA10 豈', 'ქართული ᲥᲐᲠᲗᲣᲚᲘ', 'Հայերեն', 'አማርኛ', 'Ꭰ ꭰ Ᏸ', 'ᚠᚢᚦ', '𐍈𐌰𐌹', '𐐀𐐨 𐐁𐐩', '𞤀𞤢', '𒀀𒀁', '𓀀', cp(0x1E900), 'ꙁ Ꙁ', 'ʻŌlelo Hawaiʻi', 'Ɓ ɓ Ŋ ŋ',
];
const marks = [
  'a\u0301\u0302\u0303', 'a\u0323\u0307', 'a\u0307\u0323', 'q\u0307\u0323', 'q\u0323\u0307', '\u0301', '\u0301a', ' \u0301', 'a\u0345\u0301', 'Z\u0351\u036B\u0343a\u0325\u030Al\u0348g\u030Fo\u0309', '\u0958 \u0915\u093C', '\u2126 \u00C5 \u212B', '\u0344 \u0308\u0301', '\u0F71\u0F72\u0F74', '\u0F73', '\u05D0\u05B7\u05BC \u05D0\u05BC\u05B7', '\uFB2C \u05E9\u05BC\u05C1', '\u1E9B\u0323', '\u0374 \u037E \u0387', '\u2000\u2001', '\u2329\u232A', '\u0B47\u0B56 \u0B47\u0B3E', '\u0CC6\u0CC2\u0CD5', '\u09C7\u09BE', '\u1025\u102E', cp(0x1D15E), cp(0x110A5, 0x110BA), cp(0x11131, 0x11127), cp(0x11935, 0x11930), cp(0x2F800), 'a\u08D3\u0301', 'x' + '\u0301\u0323'.repeat(20), 'e\u0301'.repeat(10),
];
const emoji = [
  '😀', 'I ❤️ NY', '😀😃😄', '👨‍👩‍👧‍👦', '👩🏽‍💻', '🏳️‍🌈', '🇩🇪🇫🇷', '1️⃣2️⃣', '👍🏿', '☺︎ ☺️', '🤷‍♀️', 'text😀text', '😀 😀', '❤', '™ © ®', '→ ⇒ ↔', '∀x∈ℝ ∃y: x²≥0', '𝒳yz 𝐀𝐁𝐂 𝔘𝔫𝔦', 'ℵ ℏ ℂ', '♔♕♖', '🀄 🂡', '┌─┐│└┘', '█▓▒░', '♫♪', '🫠🫡', '🧑‍🚀🪐', '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}',
];
const special = [
  '<|endoftext|>', 'a<|endoftext|>b', 'a <|endoftext|> b', '<|endoftext|><|endoftext|>', '<|ENDOFTEXT|>', '<|startoftext|>', '<|STARTOFTEXT|> hi', 'a <|startoftext|>b<|endoftext|>', '<|endoftext', '<|endoftext|', '<<|endoftext|>>', '<| endoftext |>', '\u{FF1C}|endoftext|>', '  <|startoftext|>  ', '</w>', 'cat</w>', 'Ġ Ġa ĠĠ', 'Ċ ĉ č', '<s></s><pad><unk><mask>', '[CLS] [SEP] [UNK]', '<|im_start|>user', 'ĂĀ Ń', '<|end\u200Boftext|>', '<|StartOfText|>x<|EndOfText|>',
];
const odd = [
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'ababababababababababababababab', 'lololololololol', 'zzzzzzzzz', 'qxqxqxqx', 'the'.repeat(15), 'ing'.repeat(15), '!'.repeat(33), '.,'.repeat(15), '-'.repeat(64), '='.repeat(20), '1'.repeat(50), 'é'.repeat(20), '日'.repeat(20), '😀'.repeat(12), 'a1'.repeat(12), 'aA'.repeat(12), 'a '.repeat(12), ' \n'.repeat(6), "'s".repeat(8), 'x'.repeat(200),
];

export const texts = [...new Set([...ordinary, ...contractions, ...numbers, ...white, ...control, ...latin, ...scripts, ...marks, ...emoji, ...special, ...odd])];

// Long inputs, given by what they repeat.
export const long = [['a', 65536], ['ab', 32768], ['supercalifragilistic', 3276], ['日本語', 21845], ['the cat ', 8192], [' ', 65536], ["'", 65536], ['<|endoftext|>', 5041], ['é', 65536], ['😀', 32768], ['e\u0301', 32768], ['a\u0323\u0301\u0345', 16384]];
