<?php
class Akismet { const API_HOST = 'rest.akismet.com'; }
