/** What the mock tells: a small site, customers, a past day. Invented; the real server has its own seed. */

const label = (zh, en) => ({ zh, en });

export const site = {
  reasons: [
    { id: "break", name: label("小休", "Short break") },
    { id: "lunch", name: label("用餐", "Lunch") },
    { id: "training", name: label("培训", "Training") },
    { id: "meeting", name: label("会议", "Meeting") },
    { id: "paperwork", name: label("处理工单", "Case work") },
  ],
  dispositions: [
    { id: "answered", name: label("咨询已答复", "Question answered"), desk_phones: true, queues: [] },
    { id: "order_status", name: label("告知订单进度", "Order status given"), queues: ["service", "order"] },
    { id: "new_order", name: label("受理新订单", "New order taken"), queues: ["order", "service"] },
    { id: "complaint_filed", name: label("已登记投诉", "Complaint filed"), queues: ["complaint", "service"] },
    { id: "fault_reported", name: label("已报故障", "Fault reported"), queues: ["service"] },
    { id: "call_back", name: label("需要回电", "Call back needed"), queues: [] },
    { id: "wrong_number", name: label("打错电话", "Wrong number"), queues: [] },
  ],
  queues: {
    service: {
      name: label("业务咨询", "Service"),
      disposition_required: true,
      wrap_up_seconds: 30,
      service_level_seconds: 20,
    },
    complaint: {
      name: label("投诉", "Complaints"),
      disposition_required: true,
      wrap_up_seconds: 60,
      service_level_seconds: 20,
    },
    order: {
      name: label("订单", "Orders"),
      disposition_required: true,
      wrap_up_seconds: 30,
      service_level_seconds: 20,
    },
  },
};

const HOUR = 3600;
export function customers(now) {
  return [
    {
      id: "c1",
      code: "BJ-000417",
      name: "张伟",
      classes: ["strategic", "high_value"],
      language: "zh",
      manager: "李静",
      phones: ["13800138000", "01065550147"],
      history: [
        {
          at: now - 26 * HOUR,
          kind: "call",
          text: label(
            "咨询国际专线 O-4711 的开通进度，已告知第 3 步。",
            "Asked about circuit O-4711; told it is at step 3.",
          ),
        },
        {
          at: now - 3 * 24 * HOUR,
          kind: "order",
          text: label(
            "订单 O-4711：北京—新加坡国际电路，资源确认中。",
            "Order O-4711: circuit Beijing – Singapore, resource check.",
          ),
        },
        {
          at: now - 9 * 24 * HOUR,
          kind: "complaint",
          text: label("投诉 C-1024：账单重复计费，处理中。", "Complaint C-1024: billed twice, being solved."),
        },
        {
          at: now - 31 * 24 * HOUR,
          kind: "visit",
          text: label(
            "走访：对带宽扩容有兴趣，预算第四季度。",
            "Visit: wants more bandwidth, budget in the fourth quarter.",
          ),
        },
        {
          at: now - 64 * 24 * HOUR,
          kind: "call",
          text: label("故障申告，二十分钟恢复，客户满意。", "Fault report; restored in twenty minutes, content."),
        },
      ],
    },
    {
      id: "c2",
      code: "BJ-002093",
      name: "王芳",
      classes: ["group"],
      language: "zh",
      manager: "陈明",
      phones: ["13911112222"],
      history: [{ at: now - 50 * HOUR, kind: "call", text: label("查询上月话费。", "Asked for last month's bill.") }],
    },
    {
      id: "c3",
      code: "SH-000058",
      name: "James Miller",
      classes: ["important"],
      language: "en",
      manager: "赵敏",
      phones: ["02155550199"],
      history: [],
    },
  ];
}

export function pastCalls(now) {
  const rows = [
    [
      0.4,
      "service",
      "13800138000",
      "张伟",
      "c1",
      "BJ-000417",
      214,
      "order_status",
      "客户询问 O-4711，下周二前回复开通时间。",
      true,
    ],
    [0.9, "order", "13911112222", "王芳", "c2", "BJ-002093", 96, "new_order", "", true],
    [
      1.3,
      "complaint",
      "02155550199",
      "James Miller",
      "c3",
      "SH-000058",
      341,
      "complaint_filed",
      "Line drops at noon.",
      true,
    ],
    [1.9, "service", "13677778888", "", null, null, 47, "wrong_number", "", true],
    [2.6, "service", "13911112222", "王芳", "c2", "BJ-002093", 128, "answered", "", false],
    [25.2, "order", "13800138000", "张伟", "c1", "BJ-000417", 187, "order_status", "已告知第 3 步。", true],
    [26.0, "service", "01088886666", "", null, null, 65, "answered", "", true],
  ];
  return rows.map(([hours, queue, number, name, id, code, talk, disposition, note, recording], i) => {
    const queued = now - hours * HOUR;
    return {
      conversation: `past-${i}`,
      contact: `past-contact-${i}`,
      queue,
      caller_number: number,
      caller_name: name,
      customer: id ? { id, name, code } : null,
      queued_at: queued,
      answered_at: queued + 11,
      ended_at: queued + 11 + talk,
      talk_seconds: talk,
      end_reason: "answered",
      disposition,
      note,
      recording,
    };
  });
}

/** Two tracks (caller, agent), 8 kHz, 16 bit: a murmur that goes to and fro. */
export function recording(seconds) {
  const rate = 8000;
  const frames = seconds * rate;
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + frames * 4, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 4, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i += 1) {
    const t = i / rate;
    const turn = Math.sin(t / 2.1) + 0.4 * Math.sin(t / 0.7);
    const breath = Math.abs(Math.sin(t * 5)) * Math.abs(Math.sin(t * 1.7));
    const voice = (f) => Math.sin(2 * Math.PI * f * t) + 0.5 * Math.sin(2 * Math.PI * 2.1 * f * t);
    wav.writeInt16LE(Math.round(5200 * breath * Math.max(0, turn) * voice(180)), 44 + i * 4);
    wav.writeInt16LE(Math.round(5200 * breath * Math.max(0, -turn) * voice(240)), 46 + i * 4);
  }
  return wav;
}

export const story = [
  [0, "answered", label("95500 应答，流程“主菜单”第 3 版", "95500 answered; flow “main menu”, revision 3")],
  [300, "prompt", label("您好，欢迎致电蜀葵客服中心。", "Welcome to the Hollyhock service centre.")],
  [
    2600,
    "prompt",
    label(
      "业务咨询请按一，投诉请按二，订单请按三，人工服务请按零。",
      "For service, press one. For complaints, press two. For orders, press three. For an operator, press zero.",
    ),
  ],
];
