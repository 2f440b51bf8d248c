// What the page says, in both languages.

const WORDS = {
  en: {
    heading: "Which category?", lead: "A title, a photo, or both. Nothing leaves this service.",
    model: "Model", language: "Language", product: "Product", title: "Title", titleHint: "e.g. Women floral maxi dress",
    characteristics: "Characteristics (optional)", characteristicsHint: "colour: navy / gender: men",
    dropHint: "Drop or paste a photo here", choose: "Choose a photo", camera: "Take a photo", remove: "Remove the photo",
    clear: "Start again", answer: "Answer", photoSays: "Seen in the photo", why: "Why?", correct: "Not right? Choose another",
    search: "Find the right category", searchHint: "Type a part of its name", docs: "For programmers: the API",
    waiting: "Type a title or add a photo.", thinking: "Looking…", accept: "Right",
    loading: "The service is still loading; one moment…",
    leaf: "Sure enough for", ancestor: "Sure only of",
    abstain: (used) => `Not sure enough to decide ${used}; these are the likeliest:`,
    used: { fused: "by text and photo", text: "by the text", image: "by the photo" },
    conflict: (text, image) => `The text says ${text}, the photo ${image}. Please look.`,
    whyWaiting: "Looking for reasons…", whyText: "What moved the answer, as times the odds:",
    whyPhoto: "The brighter a part of the photo, the more it spoke for the answer.", whyNothing: "No single part stands out.",
    accepted: "Thank you: noted as right.", corrected: (path) => `Thank you: noted as ${path}.`,
    failed: "The service could not be reached.",
    found: (count) => `${count} found`, photoAlt: "The photo that is asked about", key: "API key", notPhoto: "This file is no photo.",
    problems: {
      nothing_usable: "The model knows nothing of this. Try other words or a photo.",
      nothing_usable_text: "The model knows nothing of this. It reads text only: try other words.",
      nothing_usable_image: "The model knows nothing of this. It looks at photos only: add one.",
      no_input: "Type a title or add a photo.",
      image_unreadable: "This photo cannot be read. Try another one, as JPEG or PNG.",
      image_truncated: "This photo is damaged or not whole. Choose it again, or try another one.",
      image_empty: "This photo is empty. Choose it again, or try another one.",
      image_too_large_bytes: "This photo is too large. Save it smaller and try again.",
      image_too_many_pixels: "This photo has too many pixels. Scale it down and try again.",
      title_too_long: "The title is too long. Shorten it.",
      description_too_long: "The description is too long. Shorten it.",
      characteristics_too_long: "The characteristics are too long. Shorten them.",
      field_too_large: "This text is too long. Shorten it.",
      body_too_large: "This is too much at once. Try a smaller photo or a shorter text.",
      not_ready: "The service is still loading. Try again in a moment.",
      load_failed: "The service could not start. Please tell those who run it.",
      overloaded: "The service is busy. Try again in a moment.",
      deadline_exceeded: "The service took too long. Try again in a moment.",
      store_failed: "This cannot be kept just now. Try again in a moment.",
      internal_error: "The service failed here. Try again; if that does not help, tell those who run it.",
      unknown_key: "This service wants an API key that it knows.",
      too_many_requests: "Too many questions in a minute. Wait a little.",
      unknown_model: "This model is not served any more. Load the page again.",
      unknown_request: "This answer is not kept any more. Ask again, then choose.",
      unknown_category: "This category is not in the model's tree. Load the page again.",
      no_database: "Feedback is not kept here: the service has no database.",
    },
    warnings: {
      photoLeftOut: "The photo could not be used, so only the text counted. Try another one.",
      photoStrange: "The photo is unlike those the model learned from, so it counts for less.",
      textUnknown: "The model knows none of these words, so the text did not count.",
      titleEmpty: "The title has no word or number in it, so it did not count.",
      unpromised: "From this alone the model is wrong too often to decide. Add a title or a photo.",
      unread_title: "This model does not read titles.", unread_description: "This model does not read descriptions.",
      unread_characteristics: "This model does not read characteristics.", unread_image: "This model does not look at photos.",
    },
  },
  ru: {
    heading: "Какая категория?", lead: "Название, фото или и то и другое. Данные не покидают этот сервис.",
    model: "Модель", language: "Язык", product: "Товар", title: "Название", titleHint: "например, Платье женское в цветочек",
    characteristics: "Характеристики (не обязательно)", characteristicsHint: "цвет: синий / пол: мужской",
    dropHint: "Перетащите или вставьте фото", choose: "Выбрать фото", camera: "Снять фото", remove: "Убрать фото",
    clear: "Начать заново", answer: "Ответ", photoSays: "Видно на фото", why: "Почему?", correct: "Не то? Выберите другую",
    search: "Найти верную категорию", searchHint: "Введите часть названия", docs: "Для программистов: API",
    waiting: "Введите название или добавьте фото.", thinking: "Смотрю…", accept: "Верно",
    loading: "Сервис ещё загружается; минутку…",
    leaf: "Достаточно уверенно:", ancestor: "Уверенно только:",
    abstain: (used) => `Судя ${used}, уверенности не хватает; вероятнее всего:`,
    used: { fused: "по тексту и фото", text: "по тексту", image: "по фото" },
    conflict: (text, image) => `По тексту это ${text}, по фото ${image}. Проверьте, пожалуйста.`,
    whyWaiting: "Ищу причины…", whyText: "Что повлияло на ответ (во сколько раз выше шансы):",
    whyPhoto: "Чем ярче часть фото, тем больше она говорит за ответ.", whyNothing: "Ничто не выделяется.",
    accepted: "Спасибо: отмечено как верное.", corrected: (path) => `Спасибо: отмечено как ${path}.`,
    failed: "Сервис недоступен.",
    found: (count) => `Найдено: ${count}`, photoAlt: "Фото, о котором спрашивают", key: "Ключ API", notPhoto: "Этот файл не фото.",
    problems: {
      nothing_usable: "Модели здесь ничего не знакомо. Попробуйте другие слова или фото.",
      nothing_usable_text: "Модели здесь ничего не знакомо. Она читает только текст: попробуйте другие слова.",
      nothing_usable_image: "Модели здесь ничего не знакомо. Она смотрит только на фото: добавьте его.",
      no_input: "Введите название или добавьте фото.",
      image_unreadable: "Это фото не читается. Попробуйте другое, в формате JPEG или PNG.",
      image_truncated: "Фото повреждено или загружено не полностью. Выберите его снова или попробуйте другое.",
      image_empty: "Файл фото пуст. Выберите его снова или попробуйте другое.",
      image_too_large_bytes: "Файл фото слишком большой. Сохраните его меньшим и попробуйте снова.",
      image_too_many_pixels: "В фото слишком много пикселей. Уменьшите его и попробуйте снова.",
      title_too_long: "Название слишком длинное. Сократите его.",
      description_too_long: "Описание слишком длинное. Сократите его.",
      characteristics_too_long: "Характеристики слишком длинные. Сократите их.",
      field_too_large: "Текст слишком длинный. Сократите его.",
      body_too_large: "Слишком много данных. Возьмите фото поменьше или сократите текст.",
      not_ready: "Сервис ещё загружается. Попробуйте чуть позже.",
      load_failed: "Сервис не смог запуститься. Сообщите тем, кто за него отвечает.",
      overloaded: "Сервис перегружен. Попробуйте чуть позже.",
      deadline_exceeded: "Сервис не успел ответить. Попробуйте чуть позже.",
      store_failed: "Сейчас это не сохранить. Попробуйте чуть позже.",
      internal_error: "В сервисе произошла ошибка. Попробуйте снова; если не поможет, сообщите тем, кто за него отвечает.",
      unknown_key: "Сервису нужен известный ему ключ API.",
      too_many_requests: "Слишком много запросов в минуту. Подождите немного.",
      unknown_model: "Этой модели больше нет. Загрузите страницу заново.",
      unknown_request: "Этот ответ больше не хранится. Спросите снова и выберите ещё раз.",
      unknown_category: "Этой категории нет в дереве модели. Загрузите страницу заново.",
      no_database: "Отзывы здесь не сохраняются: у сервиса нет базы данных.",
    },
    warnings: {
      photoLeftOut: "Фото использовать не удалось, поэтому учтён только текст. Попробуйте другое.",
      photoStrange: "Фото не похоже на те, на которых училась модель, поэтому учитывается меньше.",
      textUnknown: "Модель не знает ни одного из этих слов, поэтому текст не учтён.",
      titleEmpty: "В названии нет ни слова, ни числа, поэтому оно не учтено.",
      unpromised: "По одному этому модель ошибается слишком часто, чтобы решать. Добавьте название или фото.",
      unread_title: "Эта модель не читает названия.", unread_description: "Эта модель не читает описания.",
      unread_characteristics: "Эта модель не читает характеристики.", unread_image: "Эта модель не смотрит на фото.",
    },
  },
};

let language = "en";

export function speak(wanted) {
  language = wanted in WORDS ? wanted : "en";
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = say(element.dataset.hint);
  document.getElementById("photo").setAttribute("aria-label", say("photoAlt"));
  return language;
}

export function say(name, ...values) {
  const word = WORDS[language][name];
  return typeof word === "function" ? word(...values) : word;
}

export function percent(share) {
  if (share > 0.999) return `> ${percent(0.999)}`;
  if (share > 0 && share < 0.01) return `< ${percent(0.01)}`;
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: share > 0.99 ? 1 : 0 }).format(share);
}
