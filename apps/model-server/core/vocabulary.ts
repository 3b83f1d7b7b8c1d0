/** One piece a token, some of several UTF-8 bytes, so that a reader that cuts text at bytes is found out. */
export const VOCABULARY: readonly string[] = [
  ...words('the a of to and in is that it for with as on are by this be from or an at which one all'),
  ...words('model token request stream queue memory latency batch cache prompt answer server signal'),
  ...words('measure count rate window fleet engine layer weight vector kernel thread buffer packet'),
  ...words('first second last next every some few many most small large quick slow steady quiet'),
  ...words('reads writes sends keeps moves waits runs ends grows falls holds turns shows finds gives'),
  ...words('Hello naïve café façade über Ångström señor Αθήνα привет ευχαριστώ'),
  '你好',
  '延迟',
  '队列',
  '显存',
  '吞吐量',
  'こんにちは',
  '안녕',
  ' 🙂',
  ' 🚀',
  ',',
  ',',
  '.',
  '.',
  ';',
  ':',
  '\n',
  ' "',
  '"',
  ' 42',
  ' 3.14',
];

function words(line: string): string[] {
  return line.split(' ').map((word) => ` ${word}`);
}
