"""A Django application with sessions in cookies and protection against forged requests, for gunicorn."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.urls import path

settings.configure(
    DEBUG=False, SECRET_KEY="of a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware"])
django.setup()


def form(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"token": get_token(request), "visits": request.session["visits"],
                         "address": request.build_absolute_uri("/next"), "host": request.get_host()})


def save(request):
    return JsonResponse({"visits": request.session.get("visits", 0)})


urlpatterns = [path("form", form), path("save", save)]
application = get_wsgi_application()
