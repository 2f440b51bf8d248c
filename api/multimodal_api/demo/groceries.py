"""Questions about groceries, in Russian: titles made up for the demo, each of one branch beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping

from multimodal_api.demo.items import TITLE, DemoError, Item

TITLES = (
    # title, id of its top-level category in the tree of perekrestok_ru
    ("Молоко пастеризованное 3,2% 930 мл", "1061"),  # Молоко, сыр, яйца
    ("Чай чёрный в пакетиках 100 шт", "1046"),  # Кофе, чай, какао, сахар
    ("Шоколад молочный с фундуком 90 г", "1184"),  # Шоколад, конфеты, сладости
    ("Колбаса варёная из индейки 400 г", "1031"),  # Колбасные изделия
    ("Макароны перья из твёрдых сортов пшеницы 450 г", "1052"),  # Макароны, крупы, масло, специи
    ("Вода минеральная негазированная 1,5 л", "1128"),  # Соки, воды, напитки
    ("Хлеб ржаной нарезанный 350 г", "1163"),  # Хлеб и выпечка
    ("Майонез оливковый 67% 400 мл", "1146"),  # Соусы, кетчупы, майонезы
    ("Сыр полутвёрдый 45% 200 г", "1061"),  # Молоко, сыр, яйца
    ("Пельмени из говядины и свинины 800 г", "1021"),  # Замороженные продукты
)


def grocery_items(model: str, roots: Mapping[str, str]) -> list[Item]:
    """The questions for a model with these tops (category id -> id of the top of its path).

    Raises:
        DemoError: the model's tree lacks a branch that is expected.
    """
    missing = sorted({root for _, root in TITLES} - set(roots.values()))
    if missing:
        raise DemoError(
            f"the tree of {model!r} has no top-level category {', '.join(missing)}, expected the tree of "
            "perekrestok_ru; give a bundle trained on it with --grocery"
        )
    return [Item(TITLE, title, None, root, model) for title, root in TITLES]
