import { DEFAULT_URL, INTERVAL_SECONDS, WINDOWS } from './arguments.js';
import type { Messages } from './messages.js';

export const CHINESE: Messages = {
  title: 'vLLM 服务实时监控仪表板',
  requests: '请求状态',
  waiting: '等待中',
  running: '运行中',
  total: '总请求',
  concurrency: '并发使用',
  slo: 'SLO 指标',
  targets: '达标',
  targetsMissed: '未达标',
  targetNames: { ttft_p95: 'TTFT', decoding_throughput: '吞吐量', success_rate: '成功率', gpu_memory: '显存' },
  gpu: 'GPU 显存',
  noGpu: '无读数',
  alerts: '告警',
  none: '无',
  levels: { warning: '警告', critical: '严重' },
  statuses: { healthy: '正常', degraded: '降级', critical: '严重', unknown: '未知' },
  status: '状态',
  window: '窗口',
  quit: 'q 退出',
  waitingForData: '等待首批数据 …',
  units: ['秒', '分', '小时', '天'],
  more: (count) => `另有 ${count} 项`,
  stale: '(数据过旧)',
  lasting: (duration) => `已持续 ${duration}`,
  age: (duration) => `数据 ${duration}前`,
  lastSeen: (duration) => `最后数据 ${duration}前`,
  problems: {
    refused: '连接被拒绝',
    unknown_host: '找不到主机',
    timeout: '响应超时',
    cut: '连接中断',
    not_http: '响应不是 HTTP',
    too_large: '响应过大',
    not_json: '响应不是 JSON 对象',
  },
  cannotConnect: (code) => `无法连接 (${code})`,
  badField: (path) => `不是指标文档: ${path} 缺失或有误`,
  tokenMissing: '401: 请设置 API_TOKEN',
  tokenRefused: '401: API_TOKEN 未被接受',
  noApi: '404: 此地址没有指标 API',
  answered: (status) => `服务器返回 ${status}`,
  mistakes: {
    unknown: (argument) => `未知参数 "${argument}"; 请看 --help`,
    needs_value: (argument) => `${argument} 需要一个值`,
    takes_no_value: (argument) => `${argument} 不带值`,
    bad_url: () => `--url 必须是 http:// 或 https:// 地址, 不含用户名、查询和片段, 例如 ${DEFAULT_URL}`,
    bad_interval: (argument) => `--interval 必须是 ${INTERVAL_SECONDS.min} 到 ${INTERVAL_SECONDS.max} 之间的秒数, 而不是 "${argument}"`,
    bad_window: (argument) => `--window 必须是 ${WINDOWS.join(', ')} 之一, 而不是 "${argument}"`,
    json_needs_once: () => '--json 需要 --once',
  },
  badLocale: 'LOCALE 只能是 en 或 zh',
  help: `npm run dashboard -- [选项]: 在终端中实时显示服务状态

  --url URL           网关或聚合器的地址 [${DEFAULT_URL}]
  --interval SECONDS  两次查询的间隔秒数, ${INTERVAL_SECONDS.min} 到 ${INTERVAL_SECONDS.max} [1]
  --window WINDOW     速率与百分位的时间窗口: ${WINDOWS.join(', ')} [5m]
  --once              输出一帧后结束: 有数据返回 0, 否则返回 1
  --json              与 --once 同用: 改为输出指标 JSON
  --help              输出本说明

按键: q 或 Ctrl-C 退出, Ctrl-L 重绘, Ctrl-Z 挂起。
环境变量: API_TOKEN (作为 bearer token 发送), LOCALE (en, zh), NO_COLOR, FORCE_COLOR。`,
};
