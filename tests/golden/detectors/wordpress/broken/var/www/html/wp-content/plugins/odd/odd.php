<?php
/* Plugin Name: Odd
 * Version: @@VERSION@@
 */
