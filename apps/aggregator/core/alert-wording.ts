import type { AlertName, AlertRule } from './alert-rules.js';
import type { AlertWording } from './alert-book.js';

type Texts = Readonly<Record<AlertName, (value: string, threshold: string) => string>>;

const ENGLISH: Texts = {
  queue_too_long: (value, threshold) => `Queue too long: ${value} requests waiting (limit ${threshold})`,
  ttft_high: (value, threshold) => `TTFT too high: p95 is ${value} s (limit ${threshold} s)`,
  error_rate_high: (value, threshold) => `Error rate too high: ${value} % (limit ${threshold} %)`,
  gpu_memory_high: (value, threshold) => `GPU memory nearly full: ${value} % used (limit ${threshold} %)`,
  pipeline_blind: (value, threshold) => `Blind: no gateway telemetry for ${value} s (limit ${threshold} s)`,
};

const CHINESE: Texts = {
  queue_too_long: (value, threshold) => `队列过长: ${value} 个请求等待中 (阈值 ${threshold})`,
  ttft_high: (value, threshold) => `TTFT过高: P95 为 ${value} 秒 (阈值 ${threshold} 秒)`,
  error_rate_high: (value, threshold) => `错误率过高: ${value}% (阈值 ${threshold}%)`,
  gpu_memory_high: (value, threshold) => `显存使用率过高: ${value}% (阈值 ${threshold}%)`,
  pipeline_blind: (value, threshold) => `监控数据中断: ${value} 秒未收到网关数据 (阈值 ${threshold} 秒)`,
};

/** Alert messages in English or Chinese. */
export function alertWording(locale: 'en' | 'zh'): AlertWording {
  const texts = locale === 'zh' ? CHINESE : ENGLISH;
  return (rule: AlertRule, value: number) => texts[rule.name](String(Math.round(value * 100) / 100), String(rule.threshold));
}
