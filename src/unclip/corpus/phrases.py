"""What captions say of a style, a place, light, weather and composition."""

from __future__ import annotations

from unclip.corpus.scene import CloseRelation, Composition, Light, Relation, Weather

STYLE_OF: dict[str, tuple[str, ...]] = {
    "3d render": ("a 3d render of", "a 3d rendering of", "a 3D model of", "a 3d image of"),
    "glossy": ("a glossy illustration of", "a glossy drawing of", "a shiny illustration of"),
    "cartoon": ("a cartoon of", "a cartoon drawing of", "a cartoon illustration of"),
    "flat vector": (
        "a flat vector drawing of", "a flat illustration of", "a vector illustration of",
        "a flat icon of", "a flat design of",
    ),
    "clip art": ("clip art of", "a clip art drawing of", "a clipart picture of"),
    "silhouette": ("a silhouette of", "a black silhouette of"),
    "black and white drawing": ("a black and white drawing of", "a line drawing of"),
}  # fmt: skip
"""What precedes an object to say the style it is drawn in."""

STYLE_AFTER: dict[str, tuple[str, ...]] = {
    "3d render": ("3d render", "3D render", "3d rendering", "3d"),
    "glossy": ("glossy illustration", "glossy style", "glossy"),
    "cartoon": ("cartoon", "cartoon style"),
    "flat vector": ("flat vector", "flat design", "vector art", "flat style", "flat illustration"),
    "clip art": ("clip art", "clipart"),
    "silhouette": ("silhouette", "black silhouette"),
    "black and white drawing": ("black and white", "black and white drawing"),
}
"""What follows a comma to say the style."""

PAINTED_OF: dict[str, tuple[str, ...]] = {
    "oil painting": ("an oil painting of", "a painting of", "a painting in oil of"),
    "watercolour": ("a watercolour of", "a watercolour painting of", "a watercolor painting of"),
    "pencil drawing": ("a pencil drawing of", "a pencil sketch of", "a coloured pencil drawing of"),
    "pixel art": ("pixel art of", "a pixel art picture of", "an 8-bit picture of"),
    "halftone": ("a halftone print of", "a comic halftone of", "a halftone picture of"),
    "neon": ("a neon drawing of", "a neon sign of", "glowing neon art of"),
}
"""The same for styles that a filter paints over the whole picture."""

PAINTED_AFTER: dict[str, tuple[str, ...]] = {
    "oil painting": ("oil painting", "oil on canvas", "oil paint"),
    "watercolour": ("watercolour", "watercolor", "watercolour style"),
    "pencil drawing": ("pencil drawing", "pencil sketch", "coloured pencils"),
    "pixel art": ("pixel art", "8-bit", "pixelated"),
    "halftone": ("halftone", "halftone dots", "halftone print"),
    "neon": ("neon", "neon style", "neon lights", "glowing neon"),
}

FAMILIES = (
    ("3d render",), ("flat vector", "cartoon", "clip art", "glossy"), ("silhouette",),
    ("black and white drawing", "pencil drawing"), ("oil painting", "watercolour"),
    ("pixel art",), ("halftone",), ("neon",),
)  # fmt: skip
"""Styles that a picture might be called by mistake stand together."""

PICTURE_OF = ("a picture of", "an image of", "an illustration of", "an artwork of", "a scene with")
PLAIN_OF = (
    "a picture of", "an image of", "an illustration of", "a drawing of", "a picture showing",
    "an icon of", "an artwork of",
)  # fmt: skip
PLAIN_AFTER = ("digital art", "illustration", "artwork", "high quality", "highly detailed")

NUMBERS: dict[int, tuple[str, ...]] = {
    2: ("two", "2", "a pair of"),
    3: ("three", "3"),
    4: ("four", "4"),
    5: ("five", "5"),
    6: ("six", "6", "half a dozen"),
}

RELATION_PHRASES: dict[Relation | CloseRelation, tuple[str, ...]] = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over"),
    "below": ("below", "beneath"),
    "on": ("on", "on top of", "on"),
    "under": ("under", "underneath"),
    "beside": ("beside", "next to", "alongside"),
    "inside": ("inside", "in", "inside of"),
    "holding": ("holding", "carrying", "holding up"),
    "riding": ("riding", "riding on"),
}
MIRRORED: dict[Relation | CloseRelation, Relation | CloseRelation] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "beside": "beside",
}
"""The relation of the second thing to the first."""

PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a {}meadow", "on a {}grassy field", "in a {}field of flowers", "on green grass"),
    "beach": ("on a {}beach", "on a {}sandy beach", "at the beach", "on the {}seashore"),
    "sea": ("in the {}sea", "in the {}ocean", "on the {}open sea", "on the water"),
    "desert": ("in the {}desert", "in a {}sandy desert", "among sand dunes"),
    "snow": ("in the snow", "in a {}snowy landscape", "on snow", "in a {}winter landscape"),
    "mountains": ("in the {}mountains", "in a {}mountain valley", "before snowy mountains"),
    "forest": ("in a {}forest", "in the {}woods", "in a {}forest clearing", "among trees"),
    "city": ("on a {}city street", "in the {}city", "in a {}town", "in front of city buildings"),
    "road": ("on a {}road", "on a {}country road", "in the middle of a {}road"),
    "park": ("in a {}park", "on a {}park lawn", "in a {}park with a path"),
    "garden": ("in a {}garden", "in a {}flower garden", "in a {}garden with a white fence"),
    "room": ("in a {}room", "in a {}living room", "indoors", "inside a {}house"),
    "space": ("in space", "in outer space", "among stars and planets", "floating in space"),
    "underwater": ("underwater", "under the sea", "deep in the sea", "in an underwater scene"),
}
"""Where a place has room for an adjective it has braces."""
OVER_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": ("over a {}meadow", "above a {}field"),
    "beach": ("over a {}beach", "above the {}seashore"),
    "sea": ("over the {}sea", "above the {}ocean"),
    "desert": ("over the {}desert", "above {}sand dunes"),
    "snow": ("over a {}snowy landscape", "above {}snow fields"),
    "mountains": ("over the {}mountains", "above a {}mountain valley"),
    "forest": ("over a {}forest", "above the {}trees"),
    "city": ("over the {}city", "above a {}town"),
    "road": ("over a {}road", "above a {}country road"),
    "park": ("over a {}park", "above a {}park"),
    "garden": ("over a {}garden", "above a {}garden"),
}
"""Where something flies."""

ALIKE_PLACES = (
    ("meadow", "park", "garden", "mountains", "forest"), ("beach", "sea", "underwater", "desert"),
    ("city", "road"), ("snow",), ("room",), ("space",),
)  # fmt: skip

LIGHT_PHRASES: dict[Light, tuple[str, ...]] = {
    "day": ("by day", "during the day", "in daylight", "in bright daylight"),
    "dawn": ("at dawn", "at sunrise", "in the early morning", "in soft morning light"),
    "golden hour": ("at golden hour", "during golden hour", "in golden light", "in warm light"),
    "sunset": ("at sunset", "under a sunset sky", "as the sun sets"),
    "dusk": ("at dusk", "at twilight", "in the twilight"),
    "night": ("at night", "by night", "on a dark night"),
}
CLEAR_PHRASES: dict[Light, tuple[str, ...]] = {
    "day": ("on a sunny day", "under a blue sky", "in the sunshine"),
    "night": ("under a starry sky", "under the moon and stars", "in the moonlight"),
}
"""Said besides where the sky is clear."""
ALIKE_LIGHTS: tuple[tuple[Light, ...], ...] = (
    ("day",),
    ("dawn", "golden hour", "sunset"),
    ("dusk", "night"),
)
TIME_OF: dict[Light, str] = {
    "day": "day", "dawn": "morning", "golden hour": "evening", "sunset": "evening",
    "dusk": "evening", "night": "night",
}  # fmt: skip

WEATHER_PHRASES: dict[Weather, tuple[str, ...]] = {
    "cloudy": ("under a cloudy sky", "under grey clouds", "on a cloudy {}"),
    "fog": ("in the fog", "in the mist", "in thick fog", "on a foggy {}"),
    "rain": ("in the rain", "in pouring rain", "on a rainy {}", "while it rains"),
    "snow": ("in falling snow", "while it snows", "on a snowy {}", "under falling snowflakes"),
    "rainbow": ("with a rainbow in the sky", "with a rainbow", "before a rainbow"),
}
"""Braces hold the time of day."""
WEATHER_ADJECTIVES: dict[Weather, tuple[str, ...]] = {
    "fog": ("misty ", "foggy "),
    "rain": ("rainy ", "wet "),
    "snow": ("snowy ",),
}
LIGHT_ADJECTIVES: dict[Light, tuple[str, ...]] = {"day": ("sunny ",), "night": ("moonlit ",)}
"""Where the sky is clear."""

MOODS: dict[Light | Weather, tuple[str, ...]] = {
    "day": ("bright", "cheerful", "vivid colours", "bright light"),
    "dawn": ("calm", "soft light", "peaceful"),
    "golden hour": ("warm light", "soft light", "nostalgic"),
    "sunset": ("warm colours", "romantic", "dramatic light"),
    "dusk": ("moody", "quiet", "dim light"),
    "night": ("dark", "mysterious", "dreamy", "low light"),
    "cloudy": ("muted colours", "soft light"),
    "fog": ("moody", "mysterious", "soft light", "eerie"),
    "rain": ("gloomy", "melancholic", "moody"),
    "snow": ("cold", "quiet", "wintry"),
    "rainbow": ("cheerful", "hopeful"),
}
"""What light, or weather where there is some, does to a mood."""

COMPOSITION_OF: dict[Composition, tuple[str, ...]] = {
    "close-up": ("a close-up of", "a close up of", "a close-up view of"),
    "wide shot": ("a wide shot of", "a long shot of", "a distant view of"),
}
COMPOSITION_AFTER: dict[Composition, tuple[str, ...]] = {
    "close-up": ("close-up", "close up", "close-up shot"),
    "wide shot": ("wide shot", "seen from afar", "small in the frame"),
    "centred": ("centred", "centered", "centered composition", "in the centre of the picture"),
    "left": ("on the left", "on the left side of the picture", "in the left third"),
    "right": ("on the right", "on the right side of the picture", "in the right third"),
    "top": ("at the top", "in the upper part of the picture"),
    "bottom": ("at the bottom", "in the lower part of the picture"),
}
UNLIKE: dict[Composition, Composition] = {
    "close-up": "wide shot", "wide shot": "close-up", "left": "right", "right": "left",
    "top": "bottom", "bottom": "top", "centred": "left",
}  # fmt: skip
"""Another composition that a picture certainly does not have."""
