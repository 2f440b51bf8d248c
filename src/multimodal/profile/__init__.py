"""What a catalog looks like before anything is trained on it: classes, texts, photos, duplicates, leaks."""

from multimodal.profile.collect import Profile, SplitProfile, profile_config, profile_sources
from multimodal.profile.leaks import Leak
from multimodal.profile.photos import PhotoProfile
from multimodal.profile.texts import TextProfile

__all__ = ["Leak", "PhotoProfile", "Profile", "SplitProfile", "TextProfile", "profile_config",
    "profile_sources",
]
