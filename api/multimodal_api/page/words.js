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
    leaf: "Sure enough for", ancestor: "Sure only of", abstain: "Not sure enough to decide; these are the likeliest:",
    used: { fused: "by text and photo", text: "by the text", image: "by the photo" },
    conflict: (text, image) => `The text says ${text}, the photo ${image}. Please look.`,
    whyWaiting: "Looking for reasons…", whyText: "What moved the answer, as times the odds:",
    whyPhoto: "The brighter a part of the photo, the more it spoke for the answer.", whyNothing: "No single part stands out.",
    accepted: "Thank you: noted as right.", corrected: (path) => `Thank you: noted as ${path}.`,
    notKept: "Feedback is not kept here: the service has no database.", failed: "The service could not be reached.",
    found: (count) => `${count} found`, photoAlt: "The photo that is asked about", key: "API key", notPhoto: "This file is no photo.",
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
    abstain: "Уверенности не хватает; вероятнее всего:",
    used: { fused: "по тексту и фото", text: "по тексту", image: "по фото" },
    conflict: (text, image) => `По тексту это ${text}, по фото ${image}. Проверьте, пожалуйста.`,
    whyWaiting: "Ищу причины…", whyText: "Что повлияло на ответ (во сколько раз выше шансы):",
    whyPhoto: "Чем ярче часть фото, тем больше она говорит за ответ.", whyNothing: "Ничто не выделяется.",
    accepted: "Спасибо: отмечено как верное.", corrected: (path) => `Спасибо: отмечено как ${path}.`,
    notKept: "Отзывы здесь не сохраняются: у сервиса нет базы данных.", failed: "Сервис недоступен.",
    found: (count) => `Найдено: ${count}`, photoAlt: "Фото, о котором спрашивают", key: "Ключ API", notPhoto: "Этот файл не фото.",
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
