from . import beiran2025 as beiran2025
from . import song2016 as song2016
